import { expect, test } from "bun:test";
import type { KnownFacts } from "../../engine/conversation/known-facts.ts";
import { newId } from "../../system.ts";
import { aSend, aState } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import { type ConversationState, type Role, roles } from "./conversation.ts";

const noonUs = 1_767_268_800_000_000;

function aGroup(metadata = '{"name":"hikers","color":12345678901234567890}') {
  const userIds = roles.map(() => newId());
  const state = aState({ type: "group", userIds, rev: 9 });
  const facts = someFacts({ metadata });
  state.members = new Map(
    [...state.members.values()].map((each, index) => [each.userId, { ...each, role: roles[index]! }]),
  );
  return { state, facts, userId: (role: Role) => userIds[roles.indexOf(role)]! };
}

interface Talk {
  readonly state: ConversationState;
  readonly facts: KnownFacts;
}

function update({ state, facts }: Talk, senderId: string, metadata: string, maxMetadataBytes = 16_384) {
  const own = { id: newId(), conversationId: state.id, senderId };
  const command = { type: "update_conversation", ...own, metadata, maxMetadataBytes } as const;
  const decision = decideWith(state, facts, command, noonUs);
  if (decision.type === "decided") applyAll(state, facts, decision.events);
  return decision;
}

test("owners and admins change what a group is called; others are told that they may not", () => {
  for (const role of roles) {
    const group = aGroup();
    const { state, userId } = group;
    const decision = update(group, userId(role), '{"name":"climbers"}');
    const metadata = '{"name":"climbers","color":12345678901234567890}';
    if (role === "owner" || role === "admin")
      expect(decision).toEqual({
        type: "decided",
        events: [
          {
            type: "conversation_changed",
            conversationId: state.id,
            rev: 10,
            atUs: noonUs,
            conversation: { id: state.id, type: "group", metadata, isActive: true },
            change: { actorId: userId(role), names: ["name"] },
          },
        ],
      });
    else expect(decision).toMatchObject({ code: "forbidden" });
  }
});

test("in a direct conversation both may, and strangers learn nothing", () => {
  const state = aState();
  const talk = { state, facts: someFacts({ metadata: "{}" }) };
  const [anna, ben] = [...state.members.keys()] as [string, string];
  expect(update(talk, anna, '{"e2ee":{"v":1}}')).toMatchObject({ events: [{ rev: 1 }] });
  expect(update(talk, ben, '{"theme":2}')).toMatchObject({
    events: [{ rev: 2, conversation: { metadata: '{"e2ee":{"v":1},"theme":2}' } }],
  });
  expect(update(talk, newId(), "{}")).toMatchObject({ code: "not_found" });
});

test("what is so already changes nothing", () => {
  const group = aGroup();
  const { state, userId } = group;
  expect(update(group, userId("owner"), '{"name":"hikers"}')).toEqual({ type: "decided", events: [] });
  expect(state.rev).toBe(9);
});

test("the whole keeps its bound, and nothing changes when it would not", () => {
  const group = aGroup('{"a":"äää"}');
  const { userId } = group;
  const room = Buffer.byteLength('{"a":"äää","b":1}');
  expect(update(group, userId("owner"), '{"b":1}', room - 1)).toMatchObject({
    code: "invalid_payload",
    details: {
      metadata: `must be at most ${room - 1} bytes as JSON text together with what is there already`,
    },
  });
  expect(group.facts.metadata()).toBe('{"a":"äää"}');
  expect(update(group, userId("owner"), '{"b":1}', room).type).toBe("decided");
});

test("settings hold for whatever is decided after them", () => {
  const group = aGroup();
  const { state, userId } = group;
  const send = () => decideWith(state, group.facts, aSend({ senderId: userId("member") }), noonUs);
  expect(send().type).toBe("decided");
  update(group, userId("owner"), '{"group_settings":{"message_permission":"moderators_plus"}}');
  expect(send()).toMatchObject({ code: "forbidden" });
  update(group, userId("owner"), '{"group_settings":{"media_permission":"admins_only"}}');
  expect(send()).toMatchObject({ code: "forbidden" });
  update(group, userId("owner"), '{"group_settings":{"message_permission":null}}');
  expect(send().type).toBe("decided");
});

test("a change says who made it and which names differ, of settings each by itself", () => {
  const group = aGroup('{"name":"hikers","a":1,"group_settings":{"media_permission":"admins_only"}}');
  const { userId } = group;
  const patch =
    '{"name":"hikers","a":2,"b":null,"group_settings":{"media_permission":"admins_only","message_permission":"admins_only"}}';
  expect(update(group, userId("admin"), patch)).toMatchObject({
    events: [
      { change: { actorId: userId("admin"), names: ["a", "group_settings.message_permission", "b"] } },
    ],
  });
});

test("settings are refused in a direct conversation, where they would mean nothing; taking them away is not", () => {
  const state = aState();
  const metadata = '{"group_settings":{"message_permission":"admins_only"}}';
  const talk = { state, facts: someFacts({ metadata }) };
  const [anna] = [...state.members.keys()] as [string];
  for (const settings of ["{}", '{"message_permission":"admins_only"}'])
    expect(update(talk, anna, `{"group_settings":${settings}}`)).toMatchObject({
      code: "invalid_payload",
      details: {
        "metadata.group_settings":
          "is for groups: both members of a direct conversation may do everything in it",
      },
    });
  expect(update(talk, anna, '{"group_settings":null}').type).toBe("decided");
});

test("in a conversation that is over nothing is written, whoever were still in it", () => {
  const group = aGroup();
  const { state, userId } = group;
  state.isActive = false;
  const command = aSend({ senderId: userId("owner") });
  expect(decideWith(state, group.facts, command, noonUs)).toMatchObject({ code: "conflict" });
});
