import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Command } from "../core/commands.ts";
import { formatInstant } from "../core/instant.ts";
import type { Message } from "../core/messages/message.ts";
import type { SendMessage } from "../core/messages/send.ts";
import { bytesOfMarks, bytesOfMember, encodedSize } from "../engine/sync/written-size.ts";
import { parseExactly } from "../phoenix/exact-json.ts";
import { messageSentAs, noteTaker } from "../testing/builders/builders.ts";
import { freeCharge } from "../testing/costs/limits-off.ts";
import { sendMessage } from "./messages/send-message.ts";
import type { Services } from "./services.ts";
import { conversationTopic } from "./topics/topics.ts";
import { summaryText } from "./views/conversation.ts";
import { instantText } from "./views/instant.ts";
import { marksText } from "./views/marks.ts";
import { memberRecordText } from "./views/member.ts";
import { messageText, seenText } from "./views/message.ts";
import { MessageTexts } from "./views/message-texts.ts";

const id = "0192a7c0-0000-7000-8000-00000000000a";
const message: Message = {
  id,
  conversationId: id,
  senderId: id,
  seq: 3,
  rev: 5,
  createdRev: 5,
  messageType: "text",
  content: "hello",
  metadata: "{}",
  clientRandom: null,
  sentAtUs: 1_795_000_000_000_001,
  editedAtUs: null,
  deletedAtUs: null,
  replyTo: null,
  attachments: null,
  reactions: null,
};

const limits = {
  maxContentBytes: 65_536,
  maxMetadataBytes: 16_384,
  editWindowMs: 1,
  deleteWindowMs: 1,
  asksFirst: false,
};
/** The metadata of a send, as it is stored; null: it is refused. */
function keptMetadata(payload: unknown): string | null {
  const kept: Command[] = [];
  const commands = { submit: (command: Command) => void kept.push(command) };
  const services = { limits, observer: noteTaker().observer, newId: () => id, commands };
  const [door] = sendMessage.channel;
  const identity = { userId: id, deviceId: null, deviceTag: 0, connectionKey: "1" };
  const event = { topic: conversationTopic(id), event: "any", payload, identity };
  door!.receive(event, services as unknown as Services, freeCharge(), () => {});
  return kept.length === 0 ? null : (kept[0] as SendMessage).metadata;
}

describe("a message", () => {
  test("with any content is JSON text that reads back as it was", () => {
    const content = fc.string({ unit: "binary", minLength: 1 });
    const instant = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
    fc.assert(
      fc.property(content, instant, fc.nat(0xffff_ffff), (text, sentAtUs, clientRandom) => {
        const seen = JSON.parse(messageText({ ...message, content: text, sentAtUs, clientRandom }));
        expect(seen).toEqual({
          id,
          conversation_id: id,
          seq: 3,
          rev: 5,
          sender_id: id,
          message_type: "text",
          content: text,
          metadata: {},
          client_random: clientRandom,
          sent_at: formatInstant(sentAtUs),
          reply_to_id: null,
          edited_at: null,
          is_deleted: false,
          status: "sent",
        });
      }),
    );
  }, 60_000);

  test("with any metadata comes back with an equal JSON value", () => {
    const metadata = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 5 });
    fc.assert(
      fc.property(metadata, (given) => {
        const text = JSON.stringify({ content: "x", metadata: given });
        const seen = JSON.parse(messageText({ ...message, metadata: keptMetadata(JSON.parse(text))! }));
        expect(seen.metadata).toEqual(JSON.parse(text).metadata);
      }),
    );
  });

  test("keeps the digits of integers beyond 2^53 in its metadata", () => {
    fc.assert(
      fc.property(fc.bigInt(), (id) => {
        const metadata = keptMetadata(parseExactly(`{"content":"x","metadata":{"id":[${id}]}}`))!;
        expect(messageText({ ...message, metadata })).toContain(`"metadata":{"id":[${id}]}`);
      }),
    );
    const raw = parseExactly(`{"content":"x","metadata":12345678901234567890}`);
    expect(keptMetadata(raw)).toBeNull();
  });

  const at = 1_795_000_060_000_000;
  test.each([
    ["as it was sent", {}, { edited_at: null, is_deleted: false, status: "sent" }],
    ["edited", { rev: 6, editedAtUs: at }, { edited_at: "2026-11-18T11:07:40.000000Z", is_deleted: false }],
    [
      "deleted",
      { rev: 6, deletedAtUs: at, content: "" },
      { edited_at: null, is_deleted: true, delete_for_everyone: true },
    ],
    [
      "edited and deleted",
      { rev: 7, editedAtUs: at, deletedAtUs: at, content: "" },
      { edited_at: "2026-11-18T11:07:40.000000Z", is_deleted: true, delete_for_everyone: true },
    ],
  ])("%s tells what became of it, and its status only where it is known", (_, change, told) => {
    const { edited_at, is_deleted, delete_for_everyone, status } = JSON.parse(
      messageText({ ...message, ...change }),
    );
    expect({ edited_at, is_deleted, delete_for_everyone, status }).toEqual({
      delete_for_everyone: undefined,
      status: undefined,
      ...told,
    } as never);
    expect(JSON.parse(messageText({ ...message, ...change }, "read")).status).toBe("read");
  });

  test("is encoded once for everybody who is told of it", () => {
    const texts = new MessageTexts();
    expect(texts.of(message)).toBe(messageText(message));
    expect(texts.of({ ...message, seq: 4 })).toContain('"seq":4');
    expect(texts.of(message)).toBe(messageText(message));
  });
});

test("instants keep their six digits across seconds", () => {
  expect([1_795_000_000_000_001, 1_795_000_001_000_000, 999_999].map(instantText)).toEqual([
    "2026-11-18T11:06:40.000001Z",
    "2026-11-18T11:06:41.000000Z",
    "1970-01-01T00:00:00.999999Z",
  ]);
});

test.each([
  [`{}`, null],
  [`{"name":"hikers"}`, "hikers"],
  [`{"name":"a \\"b\\" \\u0000 €"}`, 'a "b" \u0000 €'],
  [`{"name":7}`, null],
  [`{"name":null}`, null],
  [`{"about":{"name":"inner"}}`, null],
])("a conversation of the metadata %s is named %p", (metadata, name) => {
  const head = { seq: 0, rev: 0, membersRev: 0, lastMessageAtUs: null };
  const times = { createdAtUs: 0, updatedAtUs: 0 };
  const nobody = { members: [], memberUserIds: [] };
  const conversation = { id, type: "group", metadata, isActive: true, ...nobody, head, ...times } as const;
  const counts = { pending: null, memberCount: 0, unreadCount: 3, messageCount: 0 };
  const seen = JSON.parse(summaryText({ conversation, lastMessage: null, ...counts }));
  expect(seen).toMatchObject({ name, metadata: JSON.parse(metadata), unread_count: 3 });
});

test("I10: what a message is taken to weigh in a page is at least what it weighs as JSON, and not much more", () => {
  const text = fc.string({ unit: "binary", maxLength: 200 }).map((some) => some.toWellFormed());
  const json = fc.dictionary(text, text, { maxKeys: 3 }).map((some) => JSON.stringify(some));
  const reactions = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 10 }), {
    maxLength: 120,
  });
  fc.assert(
    fc.property(text, json, reactions, text, (content, metadata, given, quoted) => {
      const list = given.map((reaction) => ({ id, userId: id, reaction, reactedAtUs: 1 }));
      const message = messageSentAs({
        content,
        metadata,
        rev: 9_007_199_254_740_991,
        seq: 9_007_199_254_740_991,
        editedAtUs: 1,
        clientRandom: 4_294_967_295,
        replyTo: {
          id,
          seq: 1,
          quote: { senderId: id, messageType: "system", content: quoted, isDeleted: false },
        },
        attachments: [{ id, mediaId: quoted, mediaType: "image", metadata, createdAtUs: 1 }],
        reactions: { list, counts: new Map(given.map((reaction) => [reaction, 1_000])) },
      });
      const bytes = Buffer.byteLength(seenText({ message, status: "delivered", isPartial: true }));
      const taken = encodedSize({ message, status: "delivered" });
      expect(taken).toBeGreaterThanOrEqual(bytes);
      expect(taken).toBeLessThan(2 * bytes + 1_024);
    }),
  );
});

test("I10: a member's record and its marks weigh at most what they are taken to", () => {
  const us = 8_640_000_000_000_000;
  const counts = { joinedSeq: us, joinedRev: us, rev: us, leftSeq: us };
  const record = { userId: id, role: "moderator", joinedAtUs: us, leftAtUs: us, ...counts } as const;
  expect(memberRecordText(record).length).toBeLessThan(bytesOfMember);
  expect(marksText([{ userId: id, deliveredSeq: us, readSeq: us }]).length).toBeLessThan(bytesOfMarks);
});
