import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Command } from "../core/commands.ts";
import { type MemberRecord, roles } from "../core/conversations/conversation.ts";
import type { Event } from "../core/events.ts";
import { mediaTypes } from "../core/messages/attachment.ts";
import type { MarkMember } from "../core/messages/marks.ts";
import { type Message, messageTypes } from "../core/messages/message.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Frame } from "../core/ports/pubsub.ts";
import { type RefusalCode, refusals } from "../core/rejection.ts";
import { clientRandoms, instants, uuids, wellFormedText } from "../testing/builders/arbitraries.ts";
import { aSend } from "../testing/builders/builders.ts";
import { type Codec, commandCodec, frameCodec, isUndecodable, markCodec, outcomeCodec } from "./codec.ts";

const numbers = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
/** Also what no UTF-8 can hold: half of a surrogate pair. */
const anyText = fc.oneof(wellFormedText, fc.constantFrom("\ud800", "__proto__", "constructor", ""));
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });

/** With some of these fields, or none of them. */
function perhaps<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record(fields, { requiredKeys: [] }) as unknown as fc.Arbitrary<Partial<T>>;
}

function both<A extends object, B extends object>(one: fc.Arbitrary<A>, other: fc.Arbitrary<B>) {
  return fc.tuple(one, other).map(([first, second]) => ({ ...first, ...second }));
}

const members = both(
  fc.record({
    userId: uuids,
    role: fc.constantFrom(...roles),
    joinedAtUs: instants,
    joinedSeq: numbers,
    joinedRev: numbers,
  }),
  perhaps<{ pending: "added" | "request" }>({ pending: fc.constantFrom("added", "request") }),
);
const memberRecords = both(
  both(members, fc.record({ rev: numbers, leftSeq: orNull(numbers), leftAtUs: orNull(instants) })),
  perhaps<{ staysOutUntilUs: number }>({ staysOutUntilUs: instants }),
) as fc.Arbitrary<MemberRecord>;

const givenAttachments = fc.record({
  id: uuids,
  mediaId: anyText,
  mediaType: fc.constantFrom(...mediaTypes),
  metadata: anyText,
});
const reactions = fc.record({ id: uuids, userId: uuids, reaction: anyText, reactedAtUs: instants });
const messages: fc.Arbitrary<Message> = fc.record({
  conversationId: uuids,
  rev: numbers,
  createdRev: numbers,
  seq: numbers,
  id: uuids,
  senderId: uuids,
  messageType: fc.constantFrom(...messageTypes),
  content: anyText,
  metadata: anyText,
  clientRandom: orNull(clientRandoms),
  sentAtUs: instants,
  editedAtUs: orNull(instants),
  deletedAtUs: orNull(instants),
  replyTo: orNull(
    fc.record({
      id: uuids,
      seq: numbers,
      quote: orNull(
        fc.record({
          senderId: uuids,
          messageType: fc.constantFrom(...messageTypes),
          content: orNull(anyText),
          isDeleted: fc.boolean(),
        }),
      ),
    }),
  ),
  attachments: orNull(
    fc.array(both(givenAttachments, fc.record({ createdAtUs: instants })), { maxLength: 3 }),
  ),
  reactions: orNull(
    fc.record({
      list: fc.array(reactions, { maxLength: 3 }),
      counts: fc.array(fc.tuple(anyText, numbers), { maxLength: 3 }).map((counts) => new Map(counts)),
    }),
  ),
});

const change = { conversationId: uuids, rev: numbers };
const events: fc.Arbitrary<Event> = fc.oneof(
  both(
    messages,
    fc.record({
      type: fc.constant("message_sent" as const),
      deviceTag: numbers,
      releasesKeyOf: orNull(numbers),
    }),
  ),
  fc.record({
    type: fc.constantFrom("message_edited", "message_deleted", "media_attached"),
    ...change,
    changeId: uuids,
    message: messages,
  }),
  fc.record({
    type: fc.constantFrom("reaction_added", "reaction_removed"),
    ...change,
    changeId: uuids,
    message: messages,
    reaction: reactions,
  }),
  fc.record({
    type: fc.constantFrom(
      "member_added",
      "member_removed",
      "member_role_changed",
      "member_blocked",
      "member_unblocked",
      "member_took_part",
      "request_accepted",
      "request_declined",
    ),
    ...change,
    actorId: uuids,
    atUs: instants,
    member: memberRecords,
  }),
  fc.record({
    type: fc.constant("conversation_changed" as const),
    ...change,
    atUs: instants,
    conversation: fc.record({
      id: uuids,
      type: fc.constantFrom("direct", "group"),
      metadata: anyText,
      isActive: fc.boolean(),
    }),
    change: orNull(fc.record({ actorId: uuids, names: fc.array(anyText) })),
  }),
  fc.record({ type: fc.constant("conversation_deactivated" as const), ...change, atUs: instants }),
);

const sent = { id: uuids, conversationId: uuids, senderId: uuids };
const about = { ...sent, messageId: uuids };
const sides = both(
  fc.record({ userId: uuids, member: orNull(members), isBlocked: fc.boolean() }),
  perhaps<{ hasDeclined: boolean }>({ hasDeclined: fc.boolean() }),
);

/** One for each type of command: a new one does not compile without. */
const commandsByType: { [Type in Command["type"]]: fc.Arbitrary<Command> } = {
  send_message: fc.record({
    type: fc.constant("send_message" as const),
    ...sent,
    messageType: fc.constantFrom(...messageTypes),
    content: anyText,
    metadata: anyText,
    deviceTag: numbers,
    clientRandom: orNull(clientRandoms),
    replyToId: orNull(uuids),
    attachments: orNull(fc.array(givenAttachments, { maxLength: 3 })),
    mentions: fc.boolean(),
  }),
  edit_message: fc.record({
    type: fc.constant("edit_message" as const),
    ...about,
    content: anyText,
    metadata: orNull(anyText),
    mentions: fc.boolean(),
    withinUs: numbers,
  }),
  delete_message: fc.record({ type: fc.constant("delete_message" as const), ...about, withinUs: numbers }),
  attach_media: fc.record({
    type: fc.constant("attach_media" as const),
    ...about,
    attachment: givenAttachments,
    withinUs: numbers,
  }),
  add_reaction: fc.record({ type: fc.constant("add_reaction" as const), ...about, reaction: anyText }),
  remove_reaction: fc.record({ type: fc.constant("remove_reaction" as const), ...about, reaction: anyText }),
  add_members: both(
    fc.record({ type: fc.constant("add_members" as const), ...sent, userIds: fc.array(uuids) }),
    perhaps<{ asksFirst: boolean }>({ asksFirst: fc.boolean() }),
  ),
  remove_member: fc.record({ type: fc.constant("remove_member" as const), ...sent, userId: uuids }),
  leave_conversation: both(
    fc.record({ type: fc.constant("leave_conversation" as const), ...sent }),
    perhaps<{ allowsReadding: boolean }>({ allowsReadding: fc.boolean() }),
  ),
  change_role: fc.record({
    type: fc.constant("change_role" as const),
    ...sent,
    userId: uuids,
    role: fc.constantFrom(...roles),
  }),
  update_conversation: fc.record({
    type: fc.constant("update_conversation" as const),
    ...sent,
    metadata: anyText,
    maxMetadataBytes: numbers,
  }),
  accept_conversation: fc.record({ type: fc.constant("accept_conversation" as const), ...sent }),
  decline_conversation: fc.record({ type: fc.constant("decline_conversation" as const), ...sent }),
  return_to_direct: fc.record({
    type: fc.constant("return_to_direct" as const),
    ...sent,
    otherUserId: uuids,
  }),
  apply_blocks: fc.record({
    type: fc.constant("apply_blocks" as const),
    ...sent,
    sides: fc.tuple(sides, sides),
  }),
};
const commands = fc.oneof(...Object.values(commandsByType));

const marks: fc.Arbitrary<MarkMember> = fc.record({
  type: fc.constant("mark" as const),
  conversationId: uuids,
  userId: uuids,
  kind: fc.constantFrom("delivered", "read"),
  seq: numbers,
});

const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ type: fc.constant("done" as const), events: fc.array(events, { maxLength: 3 }) }),
  fc.record({ type: fc.constant("unchanged" as const), message: messages }),
  fc.record({ type: fc.constant("duplicate" as const), message: messages, differs: fc.boolean() }),
  both(
    fc.record({
      type: fc.constant("rejection" as const),
      code: fc.constantFrom(...(Object.keys(refusals) as RefusalCode[])),
      message: anyText,
    }),
    perhaps<{ details: Record<string, string>; retryAfterMs: number }>({
      details: fc.dictionary(anyText, anyText, { maxKeys: 3, noNullPrototype: true }),
      retryAfterMs: numbers,
    }),
  ),
);

const memberMaps = fc
  .uniqueArray(members, { selector: ({ userId }) => userId, maxLength: 4 })
  .map((all) => new Map(all.map((member) => [member.userId, member])));
const marked = fc.record({ id: uuids, seq: numbers, senderId: uuids });

/** As they are decoded: members where they changed, and only there. */
const changeFrames = fc
  .record({
    conversationId: uuids,
    rev: numbers,
    membersRev: numbers,
    members: memberMaps,
    events: fc.array(events, { maxLength: 3 }),
    hasChanged: fc.boolean(),
  })
  .map(({ hasChanged, members: all, ...frame }) => {
    const isOf = hasChanged || frame.membersRev === frame.rev;
    const membersRev = isOf ? frame.rev : frame.membersRev;
    return { type: "changes" as const, ...frame, membersRev, members: isOf ? all : null };
  });

const frames: fc.Arbitrary<Frame> = fc.oneof(
  changeFrames,
  fc.record({
    type: fc.constant("created" as const),
    conversationId: uuids,
    creatorId: uuids,
    otherIds: fc.array(uuids),
    askedIds: fc.array(uuids),
  }),
  fc.record({
    type: fc.constant("marks" as const),
    conversationId: uuids,
    atUs: instants,
    moved: fc.array(
      fc.record({
        userId: uuids,
        deliveredFrom: numbers,
        deliveredTo: numbers,
        readFrom: numbers,
        readTo: numbers,
        wasUnread: fc.boolean(),
      }),
    ),
    messages: fc.array(marked),
    statuses: fc.array(fc.record({ message: marked, status: fc.constantFrom("sent", "delivered", "read") })),
    lastJoinedSeq: numbers,
  }),
  fc.record({
    type: fc.constant("own" as const),
    userId: uuids,
    ownRev: numbers,
    conversationId: uuids,
    change: fc.record({
      type: fc.constant("unread" as const),
      from: orNull(fc.record({ messageId: uuids, seq: numbers })),
    }),
  }),
  fc.record({
    type: fc.constant("typing" as const),
    conversationId: uuids,
    userId: uuids,
    isTyping: fc.boolean(),
  }),
  fc.record({ type: fc.constant("apart" as const), lowId: uuids, highId: uuids, isApart: fc.boolean() }),
);

/** Each kind: its codec and what it carries. */
const kinds: readonly (readonly [string, Codec<{ readonly type: string }>, fc.Arbitrary<object>])[] = [
  ["a command", commandCodec as never, commands],
  ["a mark", markCodec as never, marks],
  ["an outcome", outcomeCodec as never, outcomes],
  ["a frame", frameCodec as never, frames],
];

for (const [what, codec, values] of kinds)
  describe(what, () => {
    test("is decoded as it was encoded, whatever it holds, and without a field that was not there", () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(codec.decode(codec.encode(value as never))).toStrictEqual(value as never);
        }),
        { numRuns: 500 },
      );
    });

    test("I11: that was cut or changed anywhere is refused, or is another good one; nothing is thrown", () => {
      const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
      fc.assert(
        fc.property(values, at, at, anyText, (value, from, to, put) => {
          const text = codec.encode(value as never);
          const [start, end] = [from, to].map((part) => Math.floor(part * text.length)).sort((a, b) => a - b);
          const decoded = codec.decode(text.slice(0, start) + put + text.slice(end));
          if (!isUndecodable(decoded)) expect(codec.decode(codec.encode(decoded))).toStrictEqual(decoded);
        }),
        { numRuns: 500 },
      );
    });

    test("I11: any text, and any JSON in the place of the value, is refused or good; nothing is thrown", () => {
      const [, kind] = JSON.parse(codec.encode(fc.sample(values, 1)[0] as never));
      const texts = fc.oneof(
        fc.string(),
        fc.json(),
        fc.jsonValue({ depthSize: "medium" }).map((json) => JSON.stringify([1, kind, json])),
      );
      fc.assert(
        fc.property(texts, (text) => {
          const decoded = codec.decode(text);
          if (!isUndecodable(decoded)) expect(codec.decode(codec.encode(decoded))).toStrictEqual(decoded);
        }),
        { numRuns: 500 },
      );
      expect(codec.decode("[".repeat(1_000_000))).toMatchObject({ reason: "malformed" });
    });
  });

test("a version that is not known is refused by its number, and so is another kind of thing", () => {
  const text = commandCodec.encode(aSend());
  expect(commandCodec.decode(text.replace("[1,", "[2,"))).toEqual({
    type: "undecodable",
    reason: "unknown_version",
    detail: "version 2; this program knows version 1",
  });
  expect(frameCodec.decode(text)).toMatchObject({ reason: "unknown_kind" });
  expect(commandCodec.decode("{}")).toMatchObject({ reason: "malformed" });
});

test("a field that a later node adds at the end of a record is passed over, and one that an earlier node lacks is absent", () => {
  const [version, kind, [type, fields]] = JSON.parse(
    commandCodec.encode({ type: "add_members", id: "a", conversationId: "b", senderId: "c", userIds: [] }),
  );
  const decode = (some: unknown[]) => commandCodec.decode(JSON.stringify([version, kind, [type, some]]));
  const expected = { type, id: "a", conversationId: "b", senderId: "c", userIds: [] };
  expect(decode([...fields, "later"])).toStrictEqual(expected);
  expect(decode(fields.slice(0, -1))).toStrictEqual(expected);
  expect(decode(fields.slice(0, -2))).toMatchObject({ reason: "malformed" });
});

test("members that a frame did not change take no room on the wire", () => {
  const [withMembers] = fc.sample(
    changeFrames.filter(({ members: all, rev }) => all !== null && all.size > 2 && rev > 0),
    1,
  );
  const unchanged = { ...withMembers!, membersRev: withMembers!.rev - 1 };
  expect(frameCodec.encode(unchanged)).toBe(frameCodec.encode({ ...unchanged, members: null }));
});

test("an event that holds the fields of a message ends with them, so that a field that is added to messages is at the end of both", () => {
  const [message] = fc.sample(messages, 1);
  const fieldsOf = (text: string) => JSON.parse(text)[2][1][0];
  const ofMessage: unknown[] = fieldsOf(outcomeCodec.encode({ type: "unchanged", message: message! }));
  const event = { ...message!, type: "message_sent", deviceTag: 0, releasesKeyOf: null } as const;
  const [, ofEvent] = fieldsOf(outcomeCodec.encode({ type: "done", events: [event] }))[0];
  expect(ofEvent.slice(-ofMessage.length)).toEqual(ofMessage);
});
