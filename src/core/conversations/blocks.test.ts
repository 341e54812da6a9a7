import { expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../system.ts";
import { aSend, aState, messageSentAs } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import type { Command } from "../commands.ts";
import type { BlockedSide } from "./blocks.ts";
import type { ConversationState, Member } from "./conversation.ts";

const noonUs = 1_767_268_800_000_000;

/** A direct conversation of two, in which something was said. */
function aTalk() {
  const state = aState({ seq: 7, rev: 9 });
  const [anna, ben] = [...state.members.values()] as [Member, Member];
  const say = (blocked: { anna: boolean; ben: boolean }) => {
    const sides = [sideOf(anna, blocked.anna), sideOf(ben, blocked.ben)];
    return act(state, { type: "apply_blocks", senderId: anna.userId, sides });
  };
  return { state, anna: anna.userId, ben: ben.userId, say };
}

function sideOf(member: Member, isBlocked: boolean): BlockedSide {
  return { userId: member.userId, member, isBlocked };
}

function act(state: ConversationState, command: object, facts = someFacts()) {
  const whole = { id: newId(), conversationId: state.id, ...command } as Command;
  const decision = decideWith(state, facts, whole, noonUs);
  if (decision.type === "decided") applyAll(state, facts, decision.events);
  return decision;
}

test("who is blocked is no member until he is unblocked; then he sees what he saw, under a membership that began anew", () => {
  const { state, anna, ben, say } = aTalk();
  const before = state.members.get(ben)!;
  expect(say({ anna: false, ben: true })).toMatchObject({
    events: [
      {
        type: "member_blocked",
        rev: 10,
        actorId: anna,
        member: { userId: ben, leftSeq: 7, leftAtUs: noonUs },
      },
    ],
  });
  expect([...state.members.keys()]).toEqual([anna]);
  expect(say({ anna: false, ben: false })).toMatchObject({
    events: [{ type: "member_unblocked", rev: 11, actorId: anna, member: { leftSeq: null } }],
  });
  expect(state.members.get(ben)).toMatchObject({ ...before, joinedRev: 11 });
  expect(state.membersRev).toBe(11);
});

test("while one is blocked nobody writes: the blocker is told why, the blocked learns nothing", () => {
  const { state, anna, ben, say } = aTalk();
  const message = messageSentAs({ conversationId: state.id, senderId: anna, sentAtUs: noonUs });
  const facts = someFacts({ messages: [message] });
  say({ anna: false, ben: true });
  const edit = { messageId: message.id, content: "x", metadata: null, mentions: false, withinUs: 1_000 };
  expect(act(state, aSend({ senderId: anna }))).toMatchObject({ code: "forbidden" });
  expect(act(state, { type: "edit_message", senderId: anna, ...edit }, facts)).toMatchObject({
    code: "forbidden",
  });
  for (const command of [
    aSend({ senderId: ben }),
    { type: "edit_message", senderId: ben, ...edit },
    { type: "update_conversation", senderId: ben, metadata: "{}", maxMetadataBytes: 10 },
  ])
    expect(act(state, command)).toEqual(act(state, { ...command, senderId: newId() }));
  say({ anna: false, ben: false });
  expect(act(state, aSend({ senderId: ben }))).toMatchObject({ events: [{ seq: 8, rev: 12 }] });
});

test("whatever is said in whatever order, what is applied is what was said last, and nothing is done twice", () => {
  const words = fc.array(fc.record({ anna: fc.boolean(), ben: fc.boolean() }), { maxLength: 20 });
  fc.assert(
    fc.property(words, (given) => {
      const { state, anna, ben, say } = aTalk();
      for (const blocked of given) {
        const rev = state.rev;
        const isSo = state.members.has(anna) === !blocked.anna && state.members.has(ben) === !blocked.ben;
        say(blocked);
        expect([state.members.has(anna), state.members.has(ben)]).toEqual([!blocked.anna, !blocked.ben]);
        expect(state.rev).toBe(isSo ? rev : rev + 1);
        expect(say(blocked)).toEqual({ type: "decided", events: [] });
      }
    }),
  );
});

test("a side without a row of membership keeps the block of the other one from nothing, and has nothing to be given back", () => {
  const { state: whole, anna, ben } = aTalk();
  const hers = { userId: anna, member: null, isBlocked: false };
  const his = sideOf(whole.members.get(ben)!, true);
  const state = { ...whole, members: new Map([[ben, whole.members.get(ben)!]]) };
  const blocked = act(state, { type: "apply_blocks", senderId: anna, sides: [hers, his] });
  expect(blocked).toMatchObject({ events: [{ type: "member_blocked", member: { userId: ben } }] });
  expect(state.members.size).toBe(0);
  const sides = [hers, { ...his, isBlocked: false }];
  expect(act(state, { type: "apply_blocks", senderId: anna, sides })).toMatchObject({
    events: [{ type: "member_unblocked", member: { userId: ben } }],
  });
});

test("who declined the conversation is not brought back by an unblocking", () => {
  const { state, anna, say } = aTalk();
  const ben = [...state.members.values()][1]!;
  say({ anna: false, ben: true });
  const sides = [sideOf(state.members.get(anna)!, false), { ...sideOf(ben, false), hasDeclined: true }];
  expect(act(state, { type: "apply_blocks", senderId: anna, sides })).toMatchObject({ events: [] });
  expect(state.members.has(ben.userId)).toBe(false);
});
