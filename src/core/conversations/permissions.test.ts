import { expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../system.ts";
import { aSend, aState, messageSentAs } from "../../testing/builders/builders.ts";
import { decideWith, someFacts } from "../../testing/builders/facts.ts";
import type { Command } from "../commands.ts";
import type { Decision } from "../decision.ts";
import type { Message } from "../messages/message.ts";
import type { Rejection } from "../rejection.ts";
import { type Role, roles } from "./conversation.ts";
import {
  type Audience,
  audiences,
  defaultPermissions,
  type Permissions,
  permissionsOf,
} from "./permissions.ts";

const noonUs = 1_767_268_800_000_000;

/** A group of one member of each role, where each has written a message. */
function aGroup(permissions: Partial<Permissions>) {
  const userIds = roles.map(() => newId());
  const state = aState({ type: "group", userIds, permissions: { ...defaultPermissions, ...permissions } });
  state.members = new Map(
    [...state.members.values()].map((each, index) => [each.userId, { ...each, role: roles[index]! }]),
  );
  return { state, facts: someFacts(), userId: (role: Role) => userIds[roles.indexOf(role)]! };
}

/** Who may, by what the setting says. */
const allowed: Readonly<Record<Audience, readonly Role[]>> = {
  all_members: ["owner", "admin", "moderator", "member"],
  moderators_plus: ["owner", "admin", "moderator"],
  admins_only: ["owner", "admin"],
};

function expectRefused(decision: Decision, name: string): void {
  expect(decision).toMatchObject({ code: "forbidden" });
  expect((decision as Rejection).message).toContain(name);
}

type Ask = (group: ReturnType<typeof aGroup>, senderId: string) => Command;

const guarded: readonly (readonly [keyof Permissions, string, Ask])[] = [
  ["message_permission", "write", (_, senderId) => aSend({ senderId })],
  ["media_permission", "send media", (_, senderId) => aSend({ senderId, messageType: "media" })],
  ["mention_permission", "mention", (_, senderId) => aSend({ senderId, mentions: true })],
  ["message_permission", "edit what they wrote", (group, senderId) => anEdit(group, senderId, {})],
  ["media_permission", "edit media", (group, senderId) => anEdit(group, senderId, { messageType: "media" })],
  ["mention_permission", "mention by an edit", (group, senderId) => anEdit(group, senderId, {}, true)],
  [
    "add_members_permission",
    "add members",
    ({ state }, senderId) => ({
      type: "add_members",
      id: newId(),
      conversationId: state.id,
      senderId,
      userIds: [newId()],
    }),
  ],
];

function anEdit(
  { state, facts }: ReturnType<typeof aGroup>,
  senderId: string,
  given: Partial<Message>,
  mentions = false,
): Command {
  const message = messageSentAs({ conversationId: state.id, senderId, sentAtUs: noonUs, ...given });
  facts.learnMessage(message.id, message);
  return {
    type: "edit_message",
    id: newId(),
    conversationId: state.id,
    senderId,
    messageId: message.id,
    content: "better",
    metadata: mentions ? '{"mentions":["somebody"]}' : null,
    mentions,
    withinUs: 1_000,
  };
}

for (const [name, what, ask] of guarded)
  test(`${name} says who may ${what}; whoever may not is told which setting it is, and who may`, () => {
    for (const audience of audiences)
      for (const role of roles) {
        const group = aGroup({ [name]: audience });
        const command = ask(group, group.userId(role));
        const decision = decideWith(group.state, group.facts, command, noonUs);
        if (allowed[audience].includes(role)) expect(decision.type).toBe("decided");
        else expectRefused(decision, name);
      }
  });

test("what a setting is not about stays free: deleting one's own, and text where only media are for admins", () => {
  const group = aGroup({ message_permission: "admins_only" });
  const senderId = group.userId("member");
  const { id, conversationId, messageId } = anEdit(group, senderId, {}) as Command & { messageId: string };
  const deletion: Command = {
    type: "delete_message",
    id,
    conversationId,
    senderId,
    messageId,
    withinUs: 1_000,
  };
  expect(decideWith(group.state, group.facts, deletion, noonUs).type).toBe("decided");
  const quiet = aGroup({ media_permission: "admins_only", mention_permission: "admins_only" });
  const text = aSend({ senderId: quiet.userId("member") });
  expect(decideWith(quiet.state, quiet.facts, text, noonUs).type).toBe("decided");
});

test("I3: who sent before the group was closed gets his message again, not a refusal", () => {
  const { state, facts, userId } = aGroup({ message_permission: "admins_only" });
  const command = aSend({ senderId: userId("member"), clientRandom: 7 });
  const { deviceTag } = command;
  const key = { deviceTag, clientRandom: 7 };
  facts.learnKey(userId("member"), key, [{ deviceTag, seq: 1, sentAtUs: noonUs }]);
  expect(decideWith(state, facts, command, noonUs)).toEqual({ type: "duplicate", seq: 1, joinedSeq: 0 });
});

test("in a direct conversation, settings of groups hold nobody back", () => {
  const closed = Object.fromEntries(Object.keys(defaultPermissions).map((name) => [name, "admins_only"]));
  const state = aState({ permissions: closed as unknown as Permissions });
  const senderId = [...state.members.keys()][1]!;
  const command = aSend({ senderId, mentions: true });
  expect(decideWith(state, someFacts(), command, noonUs).type).toBe("decided");
});

test("permissions are read from either spelling; what is missing or makes no sense is as by default", () => {
  const text = (settings: unknown, name = "group_settings") =>
    JSON.stringify({ name: "x", [name]: settings });
  expect(permissionsOf("{}")).toEqual(defaultPermissions);
  const media: Permissions = { ...defaultPermissions, media_permission: "admins_only" };
  expect(permissionsOf(text({ media_permission: "admins_only" }))).toEqual(media);
  expect(permissionsOf(text({ media_permission: "admins_only" }, "groupSettings"))).toEqual(media);
  expect(
    permissionsOf('{"groupSettings":{"message_permission":"admins_only"},"group_settings":null}'),
  ).toEqual(defaultPermissions);
  expect(permissionsOf('{"quote":"the \\"group_settings\\" of"}')).toEqual(defaultPermissions);
});

test("whatever metadata holds, permissions can be read from it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (settings, value) => {
      const metadata = JSON.stringify({ group_settings: settings, other: value });
      for (const audience of Object.values(permissionsOf(metadata))) expect(audiences).toContain(audience);
      expect(Object.keys(permissionsOf(metadata))).toEqual(Object.keys(defaultPermissions));
      const odd = JSON.stringify({
        group_settings: { message_permission: settings, [JSON.stringify(value)]: 1 },
      });
      expect(permissionsOf(odd)).toEqual(defaultPermissions);
    }),
  );
});
