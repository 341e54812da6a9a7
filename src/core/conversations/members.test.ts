import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aState } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import { apply } from "../apply.ts";
import type { Command } from "../commands.ts";
import type { ConversationState, Role } from "./conversation.ts";
import { maxGroupMembers } from "./members.ts";

const noonUs = 1_767_268_800_000_000;

/** A group of one member of each role, which has seen seven messages. */
function aGroup() {
  const [owner, admin, moderator, member] = [newId(), newId(), newId(), newId()];
  const state = aState({ type: "group", userIds: [owner, admin, moderator, member], seq: 7, rev: 9 });
  const roles: readonly Role[] = ["owner", "admin", "moderator", "member"];
  state.members = new Map(
    [...state.members.values()].map((each, index) => [each.userId, { ...each, role: roles[index]! }]),
  );
  return { state, owner, admin, moderator, member };
}

interface Act {
  readonly type: Command["type"];
  readonly senderId: string;
  readonly userId?: string;
  readonly userIds?: readonly string[];
}

function act(state: ConversationState, command: Act) {
  const facts = someFacts();
  const whole = { id: newId(), conversationId: state.id, ...command } as Command;
  const decision = decideWith(state, facts, whole, noonUs);
  if (decision.type === "decided") applyAll(state, facts, decision.events);
  return decision;
}

test("owners and admins add members, who see what comes after them; others are told that they may not", () => {
  for (const role of ["owner", "admin", "moderator", "member"] as const) {
    const group = aGroup();
    const newcomer = newId();
    const decision = act(group.state, { type: "add_members", senderId: group[role], userIds: [newcomer] });
    const allowed = role === "owner" || role === "admin";
    expect(decision).toMatchObject(allowed ? { type: "decided" } : { code: "forbidden" });
    expect(group.state.members.get(newcomer)).toEqual(
      allowed ? expect.objectContaining({ role: "member", joinedSeq: 7, joinedRev: 10 }) : undefined,
    );
    expect(group.state.membersRev).toBe(allowed ? 10 : 0);
  }
});

test("several who are added share a revision, and come all or not at all", () => {
  const { state, owner, member } = aGroup();
  const both = [newId(), newId()];
  expect(act(state, { type: "add_members", senderId: owner, userIds: [...both, member] })).toMatchObject({
    code: "conflict",
  });
  expect(act(state, { type: "add_members", senderId: owner, userIds: both })).toMatchObject({
    events: [{ rev: 10 }, { rev: 10 }],
  });
});

test("a group does not grow beyond its bound", () => {
  const { state, owner } = aGroup();
  const userIds = Array.from({ length: maxGroupMembers - 3 }, () => newId());
  expect(act(state, { type: "add_members", senderId: owner, userIds })).toMatchObject({ code: "conflict" });
  expect(act(state, { type: "add_members", senderId: owner, userIds: userIds.slice(1) })).toMatchObject({
    type: "decided",
  });
});

test("whoever is removed ranks below, and saw what came before", () => {
  const { state, owner, admin, moderator, member } = aGroup();
  const remove = (senderId: string, userId: string) =>
    act(state, { type: "remove_member", senderId, userId });
  expect(remove(admin, owner)).toMatchObject({ code: "forbidden" });
  expect(remove(moderator, member)).toMatchObject({ code: "forbidden" });
  expect(remove(admin, admin)).toMatchObject({ code: "conflict" });
  expect(remove(admin, newId())).toMatchObject({ code: "not_found" });
  expect(remove(admin, member)).toMatchObject({
    events: [{ type: "member_removed", member: { leftSeq: 7, rev: 10 } }],
  });
  expect(remove(member, moderator)).toMatchObject({ code: "not_found" });
  expect([...state.members.keys()]).toEqual([owner, admin, moderator]);
});

test("what was decided before a change of members keeps the members of its own revision", () => {
  const { state, owner, member } = aGroup();
  const before = state.members;
  act(state, { type: "remove_member", senderId: owner, userId: member });
  expect(before.has(member)).toBe(true);
  expect(state.members.has(member)).toBe(false);
});

test("members who are added by one command make one map, whose copy is made once", () => {
  const { state, owner } = aGroup();
  const before = state.members;
  const userIds = Array.from({ length: 600 }, () => newId());
  const asked = { id: newId(), conversationId: state.id, senderId: owner, userIds };
  const command = { type: "add_members", ...asked } as const;
  const decision = decideWith(state, someFacts(), command, noonUs);
  const maps = new Set<unknown>();
  for (const event of decision.type === "decided" ? decision.events : []) {
    apply(state, event);
    maps.add(state.members);
  }
  expect([maps.size, maps.has(before), before.size, state.members.size]).toEqual([1, false, 4, 604]);
});

test("with the last member who leaves the group is over", () => {
  const owner = newId();
  const state = aState({ type: "group", userIds: [owner], rev: 9 });
  expect(act(state, { type: "leave_conversation", senderId: owner })).toMatchObject({
    events: [
      { type: "member_removed", rev: 10 },
      { type: "conversation_deactivated", rev: 10 },
    ],
  });
  expect([state.isActive, state.members.size]).toEqual([false, 0]);
});

test("the two of a direct conversation are its members for good, and strangers learn nothing", () => {
  const state = aState();
  const [anna, ben] = [...state.members.keys()] as [string, string];
  const stranger = newId();
  for (const senderId of [anna, ben, stranger]) {
    const code = senderId === stranger ? "not_found" : "conflict";
    expect(act(state, { type: "add_members", senderId, userIds: [newId()] })).toMatchObject({
      code,
    });
    expect(act(state, { type: "remove_member", senderId, userId: anna })).toMatchObject({ code });
    expect(act(state, { type: "leave_conversation", senderId })).toMatchObject({ code });
  }
});
