import { expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../system.ts";
import { aState } from "../../testing/builders/builders.ts";
import { decideWith, someFacts } from "../../testing/builders/facts.ts";
import { apply } from "../apply.ts";
import type { Command } from "../commands.ts";
import { type ConversationState, type Member, type Role, roles } from "./conversation.ts";
import { ownerAmong } from "./group-owner.ts";
import { rank } from "./rank.ts";

const noonUs = 1_767_268_800_000_000;

/** A group of members with these roles, who joined one after the other. */
function aGroup(given: readonly Role[]) {
  const userIds = given.map(() => newId());
  const state = aState({ type: "group", userIds, seq: 7, rev: 9 });
  state.members = new Map(
    [...state.members.values()].map((each, index) => [
      each.userId,
      { ...each, role: given[index]!, joinedAtUs: noonUs + index },
    ]),
  );
  return { state, userIds };
}

function act(state: ConversationState, command: object, nowUs = noonUs) {
  const before = state.rev;
  const whole = { id: newId(), conversationId: state.id, ...command } as Command;
  const decision = decideWith(state, someFacts(), whole, nowUs);
  if (decision.type === "decided")
    for (const event of decision.events) {
      expect(event.rev).toBe(before + 1);
      apply(state, event);
    }
  return decision;
}

function owners({ members }: ConversationState): readonly string[] {
  return [...members.values()].filter(({ role }) => role === "owner").map(({ userId }) => userId);
}

const leave = (senderId: string) => ({ type: "leave_conversation", senderId });

test("when the owner leaves, the longest-standing admin owns the group in the same revision, else moderator, else member", () => {
  const { state, userIds } = aGroup([
    "owner",
    "member",
    "moderator",
    "admin",
    "admin",
    "moderator",
    "member",
  ]);
  const heirs = [3, 4, 2, 5, 1, 6].map((index) => userIds[index]!);
  let owner = userIds[0]!;
  for (const heir of heirs) {
    expect(act(state, leave(owner))).toMatchObject({
      events: [
        { type: "member_removed", member: { userId: owner } },
        {
          type: "member_role_changed",
          actorId: owner,
          member: { userId: heir, role: "owner", leftSeq: null },
        },
      ],
    });
    expect(owners(state)).toEqual([heir]);
    owner = heir;
  }
  expect(act(state, leave(owner))).toMatchObject({
    events: [{ type: "member_removed" }, { type: "conversation_deactivated" }],
  });
});

test("when another member leaves, nobody else changes", () => {
  const { state, userIds } = aGroup(["owner", "admin", "member"]);
  expect(act(state, leave(userIds[1]!))).toMatchObject({ events: [{ type: "member_removed" }] });
  expect(owners(state)).toEqual([userIds[0]!]);
});

test("among members who joined at the same moment the heir is the same one in whatever order they are listed", () => {
  const members = Array.from({ length: 5 }, newId)
    .sort()
    .map((userId): Member => ({ userId, role: "member", joinedAtUs: noonUs, joinedSeq: 0, joinedRev: 0 }));
  expect(ownerAmong(members)).toBe(members[0]!);
  expect(ownerAmong(members.toReversed())).toBe(members[0]!);
  for (const first of members)
    expect(
      ownerAmong(members.map((each) => (each === first ? { ...each, joinedAtUs: noonUs - 1 } : each)))
        ?.userId,
    ).toBe(first.userId);
  expect(ownerAmong([])).toBeNull();
});

test("a group that version 0.3 left without an owner gets one with the next change of its members, whoever makes it", () => {
  const changes: readonly ((userIds: readonly string[]) => object)[] = [
    ([, admin]) => ({ type: "add_members", senderId: admin, userIds: [newId()] }),
    ([, admin, , last]) => ({ type: "remove_member", senderId: admin, userId: last }),
    ([, , , last]) => leave(last!),
    ([, admin, other]) => ({ type: "change_role", senderId: admin, userId: other, role: "moderator" }),
  ];
  for (const change of changes) {
    const { state, userIds } = aGroup(["member", "admin", "member", "member"]);
    act(state, change(userIds));
    expect(owners(state)).toEqual([userIds[1]!]);
  }
});

test("the heir of a group without an owner acts as its owner: hands it over, and cannot step down", () => {
  const { state, userIds } = aGroup(["member", "admin", "admin"]);
  const [member, heir, admin] = userIds as [string, string, string];
  const change = (senderId: string, userId: string, role: Role) =>
    act(state, { type: "change_role", senderId, userId, role });
  expect(change(heir, heir, "member")).toMatchObject({ code: "conflict" });
  expect(change(admin, member, "owner")).toMatchObject({ code: "forbidden" });
  // The heir is an admin already.
  expect(change(heir, member, "owner")).toMatchObject({ events: [{ member: { userId: member } }] });
  expect(owners(state)).toEqual([member]);
  expect(state.members.get(heir)!.role).toBe("admin");
});

test("the heir of a group without an owner owns it with the first role it gives, also to a member of longer standing", () => {
  const { state, userIds } = aGroup(["moderator", "admin", "member"]);
  const [moderator, heir] = userIds as [string, string];
  const decision = act(state, { type: "change_role", senderId: heir, userId: moderator, role: "admin" });
  expect(decision).toMatchObject({
    events: [{ member: { userId: moderator, role: "admin" } }, { member: { userId: heir, role: "owner" } }],
  });
  expect(owners(state)).toEqual([heir]);
  expect(state.members.get(moderator)!.role).toBe("admin");
});

test("of two owners the longer-standing one stays, and the other one is an admin from the next change of members on", () => {
  const { state, userIds } = aGroup(["owner", "owner", "member"]);
  act(state, leave(userIds[2]!));
  expect([...state.members.values()].map(({ role }) => role)).toEqual(["owner", "admin"]);
});

const operations = fc.array(
  fc.record({
    kind: fc.constantFrom(
      "change_role",
      "change_role",
      "hand_over",
      "leave_conversation",
      "remove_member",
      "add_members",
    ),
    actor: fc.nat(),
    target: fc.nat(),
    role: fc.constantFrom(...roles),
    /** Several join at one moment. */
    passesUs: fc.constantFrom(0, 1),
  }),
  { maxLength: 80 },
);

test("members join, leave, are removed, rise and hand over as they like: the group has exactly one owner after each revision, and ends with its last member", () => {
  fc.assert(
    fc.property(operations, fc.boolean(), (given, ownersAct) => {
      const { state } = aGroup(["owner", "member", "member"]);
      let nowUs = noonUs + 10;
      for (const { kind, actor, target, role, passesUs } of given) {
        nowUs += passesUs;
        const present = [...state.members.values()];
        if (present.length === 0) break;
        const owner = ownerAmong(present)!;
        const sender = ownersAct || kind === "hand_over" ? owner : present[actor % present.length]!;
        const { userId } = present[target % present.length]!;
        const { members: before, rev } = state;
        const asked =
          kind === "hand_over"
            ? { type: "change_role", userId, role: "owner" }
            : { type: kind, userId, role, userIds: [newId()] };
        const decision = act(state, { ...asked, senderId: sender.userId }, nowUs);
        if (decision.type !== "decided") {
          expect(state.members).toBe(before);
          continue;
        }
        expect(state.rev).toBe(decision.events.length > 0 ? rev + 1 : rev);
        expect(owners(state)).toHaveLength(state.members.size > 0 ? 1 : 0);
        expect(state.isActive).toBe(state.members.size > 0);
        expectRightful(before, state, sender);
      }
    }),
  );
});

/** Nobody rises above the sender, and the owner changes only when they hand over or leave. */
function expectRightful(
  before: ReadonlyMap<string, Member>,
  { members }: ConversationState,
  sender: Member,
): void {
  const [former, next] = [ownerAmong(before.values())!, ownerAmong(members.values())];
  if (next && next.userId !== former.userId) {
    expect(sender.userId).toBe(former.userId);
    if (members.has(former.userId)) expect(members.get(former.userId)!.role).toBe("admin");
  }
  for (const [userId, { role }] of members) {
    const risen = rank[role] > rank[before.get(userId)?.role ?? "member"];
    if (risen && userId !== next?.userId) expect(rank[role]).toBeLessThanOrEqual(rank[sender.role]);
  }
}
