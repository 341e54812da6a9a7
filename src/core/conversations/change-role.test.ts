import { expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../system.ts";
import { aState } from "../../testing/builders.ts";
import { apply } from "../apply.ts";
import type { Command } from "../commands.ts";
import { decide } from "../decide.ts";
import type { Rejection } from "../rejection.ts";
import { type GrantableRole, grantableRoles } from "./change-role.ts";
import { type ConversationState, type Role, roles } from "./conversation.ts";
import { administrates, rank } from "./rank.ts";

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
  const decision = decide(state, { id: newId(), conversationId: state.id, ...command } as Command, noonUs);
  if (decision.type === "decided") for (const event of decision.events) apply(state, event);
  return decision;
}

const change = (senderId: string, userId: string, role: GrantableRole) => ({
  type: "change_role",
  senderId,
  userId,
  role,
});

test("owners and admins give roles to whoever ranks below them; the rest of the membership stays", () => {
  for (const actor of roles)
    for (const target of roles)
      for (const role of grantableRoles) {
        const { state, userIds } = aGroup([actor, target, "admin"]);
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

test("an admin steps down while another one is there; the last one is told what to do first", () => {
  const { state, userIds } = aGroup(["owner", "admin", "member"]);
  const [owner, admin, member] = userIds as [string, string, string];
  expect(act(state, change(owner, owner, "moderator")).type).toBe("decided");
  const refused = act(state, change(admin, admin, "member"));
  expect(refused).toMatchObject({ code: "conflict" });
  expect((refused as Rejection).message).toContain("Make another member an admin first");
  expect(act(state, change(admin, member, "admin")).type).toBe("decided");
  expect(act(state, change(admin, admin, "member"))).toMatchObject({ events: [{ rev: 12 }] });
});

test("an owner who is the only one to administrate may become an admin, which still administrates", () => {
  const { state, userIds } = aGroup(["owner", "member"]);
  expect(act(state, change(userIds[0]!, userIds[0]!, "admin"))).toMatchObject({ events: [{ rev: 10 }] });
});

test("who is no member has no role to change, in a direct conversation nobody has, and strangers learn nothing", () => {
  const { state, userIds } = aGroup(["owner", "member"]);
  expect(act(state, change(userIds[0]!, newId(), "admin"))).toMatchObject({ code: "not_found" });
  expect(act(state, change(newId(), userIds[1]!, "admin"))).toMatchObject({ code: "not_found" });
  const direct = aState();
  const [anna, ben] = [...direct.members.keys()] as [string, string];
  expect(act(direct, change(anna, ben, "admin"))).toMatchObject({ code: "conflict" });
  expect(act(direct, change(newId(), ben, "admin"))).toMatchObject({ code: "not_found" });
});

const operations = fc.array(
  fc.record({
    kind: fc.constantFrom("change_role", "leave_conversation", "remove_member", "add_members"),
    actor: fc.nat(),
    target: fc.nat(),
    role: fc.constantFrom(...grantableRoles),
  }),
  { maxLength: 60 },
);

test("whoever comes, goes and rises: somebody administrates while there are members, and with the last of them the group ends", () => {
  fc.assert(
    fc.property(operations, (given) => {
      const { state } = aGroup(["owner", "member", "member"]);
      for (const { kind, actor, target, role } of given) {
        const present = [...state.members.values()];
        if (present.length === 0) break;
        const sender = present[actor % present.length]!;
        const { userId } = present[target % present.length]!;
        const before = state.members;
        const command = { type: kind, senderId: sender.userId, userId, role, userIds: [newId()] };
        const decision = act(state, command);
        if (decision.type !== "decided") expect(state.members).toBe(before);
        if (decision.type === "decided" && kind === "change_role")
          for (const event of decision.events)
            expect("member" in event && rank[event.member.role] <= rank[sender.role]).toBe(true);
        const after = [...state.members.values()];
        expect(after.length === 0 || after.some((member) => administrates(member.role))).toBe(true);
        expect(state.isActive).toBe(after.length > 0);
      }
    }),
  );
});
