import { describe, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aSend, aState, messageSentAs } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import type { Command } from "../commands.ts";
import type { Event } from "../events.ts";
import { forGoodUs } from "./acceptance.ts";
import type { Contact } from "./contact.ts";
import type { ConversationState, ConversationType, Pending } from "./conversation.ts";

const noonUs = 1_767_225_600_000_000;
const hourUs = 3_600_000_000;

/** Anna created it; Ben is a member because of her. */
function begun(type: ConversationType, pending: Pending) {
  const [anna, ben] = [newId(), newId()];
  const state = aState({ type, userIds: [anna, ben] });
  state.members = new Map(state.members).set(ben, { ...state.members.get(ben)!, pending });
  return { state, anna, ben };
}

/** What is decided upon a command, and what memory becomes by it. */
function act(
  state: ConversationState,
  command: object,
  facts = someFacts(),
): readonly Event[] | { code: string } {
  const whole = { id: newId(), conversationId: state.id, ...command } as Command;
  const decision = decideWith(state, facts, whole, noonUs);
  if (decision.type === "rejection") return decision;
  if (decision.type !== "decided") throw new Error(decision.type);
  applyAll(state, facts, decision.events);
  return decision.events;
}

const typesOf = (events: ReturnType<typeof act>) =>
  Array.isArray(events) ? events.map(({ type }: Event) => type) : events;
const pendingOf = ({ members }: ConversationState, userId: string) => members.get(userId)?.pending;

describe("a member whom others added", () => {
  test.each(["direct", "group"] as const)(
    "chooses a %s conversation by writing in it, in the same revision, once",
    (type) => {
      const { state, ben } = begun(type, "added");
      const events = act(state, aSend({ senderId: ben })) as Event[];
      expect(typesOf(events)).toEqual(["message_sent", "member_took_part"]);
      expect(new Set(events.map(({ rev }) => rev)).size).toBe(1);
      expect(pendingOf(state, ben)).toBeUndefined();
      expect(typesOf(act(state, aSend({ senderId: ben })))).toEqual(["message_sent"]);
    },
  );

  test("chooses it by a reaction, as by whatever else others see of them", () => {
    const { state, anna, ben } = begun("group", "added");
    const message = messageSentAs({ conversationId: state.id, senderId: anna, seq: 1 });
    const reaction = { type: "add_reaction", senderId: ben, messageId: message.id, reaction: "x" };
    expect(typesOf(act(state, reaction, someFacts({ messages: [message] })))).toEqual([
      "reaction_added",
      "member_took_part",
    ]);
    expect(pendingOf(state, ben)).toBeUndefined();
  });

  test("chooses it by accepting it, which a second time changes nothing", () => {
    const { state, ben } = begun("group", "added");
    expect(typesOf(act(state, { type: "accept_conversation", senderId: ben }))).toEqual(["member_took_part"]);
    expect(typesOf(act(state, { type: "accept_conversation", senderId: ben }))).toEqual([]);
  });

  test("leaves or is removed without having chosen it", () => {
    for (const command of [{ type: "leave_conversation" }, { type: "remove_member" }]) {
      const { state, anna, ben } = begun("group", "added");
      const senderId = command.type === "remove_member" ? anna : ben;
      expect(typesOf(act(state, { ...command, senderId, userId: ben }))).toEqual(["member_removed"]);
    }
  });

  test("is blocked and unblocked without having chosen it", () => {
    const { state, anna, ben } = begun("direct", "added");
    const [hers, his] = [anna, ben].map((userId) => ({ userId, member: state.members.get(userId)! }));
    const apply = (isBlocked: boolean) =>
      act(state, {
        type: "apply_blocks",
        senderId: anna,
        sides: [
          { ...hers, isBlocked: false },
          { ...his, isBlocked },
        ],
      });
    expect(typesOf(apply(true))).toEqual(["member_blocked"]);
    expect(typesOf(apply(false))).toEqual(["member_unblocked"]);
    expect(pendingOf(state, ben)).toBe("added");
  });

  test("what others do does not choose it for them, and the creator has chosen it from the start", () => {
    const { state, anna, ben } = begun("group", "added");
    expect(typesOf(act(state, aSend({ senderId: anna })))).toEqual(["message_sent"]);
    expect(pendingOf(state, ben)).toBe("added");
  });
});

describe("a member who is asked", () => {
  test("accepts by writing, and the asker is held to three messages before", () => {
    const { state, anna, ben } = begun("direct", "request");
    for (let sent = 0; sent < 3; sent++)
      expect(typesOf(act(state, aSend({ senderId: anna })))).toEqual(["message_sent"]);
    expect(act(state, aSend({ senderId: anna }))).toMatchObject({ code: "forbidden" });
    expect(typesOf(act(state, aSend({ senderId: ben })))).toEqual(["message_sent", "request_accepted"]);
    expect(typesOf(act(state, aSend({ senderId: anna })))).toEqual(["message_sent"]);
  });

  test("a group goes on while some of its members are asked", () => {
    const { state, anna } = begun("group", "request");
    for (let sent = 0; sent < 10; sent++)
      expect(typesOf(act(state, aSend({ senderId: anna })))).toEqual(["message_sent"]);
  });

  test.each(["direct", "group"] as const)(
    "declines a %s conversation: they are in it no longer, for good",
    (type) => {
      const { state, ben } = begun(type, "request");
      const [declined] = act(state, { type: "decline_conversation", senderId: ben }) as Event[];
      expect(declined).toMatchObject({
        type: "request_declined",
        member: { leftAtUs: noonUs, staysOutUntilUs: forGoodUs },
      });
      expect(state.members.has(ben)).toBe(false);
    },
  );

  test("only who is asked declines", () => {
    const { state, anna, ben } = begun("direct", "added");
    for (const senderId of [anna, ben])
      expect(act(state, { type: "decline_conversation", senderId })).toMatchObject({ code: "conflict" });
    expect(act(state, { type: "decline_conversation", senderId: newId() })).toMatchObject({
      code: "not_found",
    });
  });

  test("nobody writes in a direct conversation that was declined, until who declined it begins it again", () => {
    const { state, anna, ben } = begun("direct", "request");
    act(state, { type: "decline_conversation", senderId: ben });
    expect(act(state, aSend({ senderId: anna }))).toMatchObject({ code: "forbidden" });
    const returning = { type: "return_to_direct", senderId: ben, otherUserId: anna };
    expect(typesOf(act(state, returning))).toEqual(["member_added"]);
    expect(state.members.get(ben)).toMatchObject({ joinedSeq: 0, joinedRev: state.rev });
    expect(pendingOf(state, ben)).toBeUndefined();
    expect(typesOf(act(state, returning))).toEqual([]);
    expect(typesOf(act(state, aSend({ senderId: anna })))).toEqual(["message_sent"]);
  });
});

describe("who adds members", () => {
  const carl = newId();
  const adding = (given: Partial<Contact>, more: object = {}) => {
    const { state, anna } = begun("group", "added");
    const of = { id: newId(), conversationId: state.id, senderId: anna };
    const command = { type: "add_members", ...of, userIds: [carl], ...more } as const;
    return decideWith(state, someFacts(), command, noonUs, given);
  };

  test("adds nobody who has blocked them: such users do not exist, and are named so that the others can be added", () => {
    const refusal = adding({ hasBlocked: true });
    expect(refusal).toMatchObject({
      code: "not_found",
      message: "There is no such user.",
      details: { user_ids: carl },
    });
  });

  test("adds nobody whom they have blocked, and learns nothing of a block the other way", () => {
    expect(adding({ isBlocked: true })).toMatchObject({ code: "forbidden", details: { user_ids: carl } });
    expect(adding({ isBlocked: true, hasBlocked: true })).toEqual(adding({ isBlocked: true }));
  });

  test("adds nobody who left by themselves in the last 24 h", () => {
    expect(adding({ staysOutUntilUs: noonUs + 1 })).toMatchObject({ code: "conflict" });
    expect(adding({ staysOutUntilUs: noonUs })).toMatchObject({ type: "decided" });
  });

  test("asks users who do not know them, where that is set", () => {
    const pending = (given: object, more: object) => {
      const decision = adding(given, more);
      return (
        decision.type === "decided" &&
        decision.events.map((event) => "member" in event && event.member.pending)
      );
    };
    expect(pending({}, { asksFirst: true })).toEqual(["request"]);
    expect(pending({ isKnown: true }, { asksFirst: true })).toEqual(["added"]);
    expect(pending({}, {})).toEqual(["added"]);
  });
});

test("members who leave are not added again for 24 h, unless they say otherwise; who is removed may be", () => {
  const outOf = (command: object) => {
    const { state, anna, ben } = begun("group", "added");
    const senderId = "userId" in command ? anna : ben;
    const [event] = act(state, {
      ...command,
      senderId,
      ...("userId" in command ? { userId: ben } : {}),
    }) as Event[];
    return event && "member" in event ? event.member.staysOutUntilUs : null;
  };
  expect(outOf({ type: "leave_conversation" })).toBe(noonUs + 24 * hourUs);
  expect(outOf({ type: "leave_conversation", allowsReadding: false })).toBe(noonUs + 24 * hourUs);
  expect(outOf({ type: "leave_conversation", allowsReadding: true })).toBeUndefined();
  expect(outOf({ type: "remove_member", userId: "" })).toBeUndefined();
});
