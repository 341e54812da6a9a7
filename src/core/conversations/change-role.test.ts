import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aState } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import type { Command } from "../commands.ts";
import type { Rejection } from "../rejection.ts";
import { type ConversationState, type Role, roles } from "./conversation.ts";
import { administrates, rank } from "./rank.ts";

/** Those that rank below the owner. */
const lowerRoles = ["admin", "moderator", "member"] as const;
const noonUs = 1_767_268_800_000_000;

function aGroup(given: readonly Role[]) {
  const userIds = given.map(() => newId());
  const state = aState({ type: "group", userIds, seq: 7, rev: 9 });
  state.members = new Map(
    [...state.members.values()].map((each, index) => [each.userId, { ...each, role: given[index]! }]),
  );
  return { state, userIds };
}

function act(state: ConversationState, command: object) {
  const facts = someFacts();
  const whole = { id: newId(), conversationId: state.id, ...command } as Command;
  const decision = decideWith(state, facts, whole, noonUs);
  if (decision.type === "decided") applyAll(state, facts, decision.events);
  return decision;
}

const change = (senderId: string, userId: string, role: Role) => ({
  type: "change_role",
  senderId,
  userId,
  role,
});

test("owners and admins give roles to whoever ranks below them; the rest of the membership stays", () => {
  for (const actor of roles)
    for (const target of roles)
      for (const role of lowerRoles) {
        if (actor === "owner" && target === "owner") continue;
        const third = actor === "owner" || target === "owner" ? "admin" : "owner";
        const { state, userIds } = aGroup([actor, target, third]);
        const before = state.members.get(userIds[1]!)!;
        const decision = act(state, change(userIds[0]!, userIds[1]!, role));
        if (!administrates(actor)) expect(decision).toMatchObject({ code: "forbidden" });
        else if (target === role) expect(decision).toEqual({ type: "decided", events: [] });
        else if (rank[target] >= rank[actor]) expect(decision).toMatchObject({ code: "forbidden" });
        else {
          const member = { ...before, role, rev: 10, leftSeq: null, leftAtUs: null };
          expect(decision).toMatchObject({ events: [{ type: "member_role_changed", rev: 10, member }] });
          expect(state.members.get(userIds[1]!)!.role).toBe(role);
          expect(state.membersRev).toBe(10);
        }
      }
});

test("an admin steps down whenever they like; the owner keeps the role and is told how to hand it over", () => {
  const { state, userIds } = aGroup(["owner", "admin", "member"]);
  const [owner, admin] = userIds as [string, string];
  for (const role of lowerRoles) {
    const refused = act(state, change(owner, owner, role));
    expect(refused).toMatchObject({ code: "conflict" });
    expect((refused as Rejection).message).toContain("Give the role owner to another member first");
  }
  expect(act(state, change(admin, admin, "member"))).toMatchObject({ events: [{ rev: 10 }] });
});

test("the owner hands the group over to any member: both change in one revision, and the former owner is an admin", () => {
  for (const target of lowerRoles) {
    const { state, userIds } = aGroup(["owner", target, "admin"]);
    const [owner, heir] = userIds as [string, string];
    const [former, next] = [state.members.get(owner)!, state.members.get(heir)!];
    const both = { rev: 10, leftSeq: null, leftAtUs: null };
    const common = { type: "member_role_changed", conversationId: state.id, rev: 10, actorId: owner };
    expect(act(state, change(owner, heir, "owner"))).toEqual({
      type: "decided",
      events: [
        { ...common, atUs: noonUs, member: { ...next, ...both, role: "owner" } },
        { ...common, atUs: noonUs, member: { ...former, ...both, role: "admin" } },
      ],
    } as never);
    expect([state.members.get(owner)!.role, state.members.get(heir)!.role]).toEqual(["admin", "owner"]);
    expect([state.rev, state.membersRev]).toEqual([10, 10]);
  }
});

test("nobody else hands a group over, nobody hands it to themselves or to a stranger; handed over again, nothing changes", () => {
  const { state, userIds } = aGroup(["owner", "admin", "moderator", "member"]);
  const [owner, admin, moderator, member] = userIds as [string, string, string, string];
  for (const sender of [admin, moderator, member])
    for (const target of [admin, moderator, member])
      expect(act(state, change(sender, target, "owner"))).toMatchObject({ code: "forbidden" });
  expect(act(state, change(owner, owner, "owner"))).toMatchObject({ code: "conflict" });
  expect(act(state, change(owner, newId(), "owner"))).toMatchObject({ code: "not_found" });
  expect(act(state, change(newId(), owner, "owner"))).toMatchObject({ code: "not_found" });
  expect(state.rev).toBe(9);
  expect(act(state, change(owner, member, "owner")).type).toBe("decided");
  expect(act(state, change(owner, member, "owner"))).toEqual({ type: "decided", events: [] });
  expect(act(state, change(owner, admin, "owner"))).toMatchObject({ code: "forbidden" });
  expect(act(state, change(member, owner, "owner")).type).toBe("decided");
});

test("who is no member has no role to change, in a direct conversation nobody has, and strangers learn nothing", () => {
  const { state, userIds } = aGroup(["owner", "member"]);
  expect(act(state, change(userIds[0]!, newId(), "admin"))).toMatchObject({ code: "not_found" });
  expect(act(state, change(newId(), userIds[1]!, "admin"))).toMatchObject({ code: "not_found" });
  const direct = aState();
  const [anna, ben] = [...direct.members.keys()] as [string, string];
  for (const role of roles) expect(act(direct, change(anna, ben, role))).toMatchObject({ code: "conflict" });
  expect(act(direct, change(newId(), ben, "admin"))).toMatchObject({ code: "not_found" });
});
