import { expect, test } from "bun:test";
import type { Command } from "./commands.ts";
import type { MemberChanged } from "./conversations/member-changed.ts";
import type { Event } from "./events.ts";
import { securityNoteOf } from "./security-trail.ts";

const by = (senderId: string) => ({ senderId }) as Command;

function member(type: MemberChanged["type"], userId: string, role = "member"): Event {
  return { type, conversationId: "c", rev: 1, actorId: "ada", atUs: 0, member: { userId, role } } as Event;
}

function deletedOf(senderId: string): Event {
  return {
    type: "message_deleted",
    conversationId: "c",
    message: { id: "m", senderId, content: "" },
  } as Event;
}

function changed(...names: string[]): Event {
  return {
    type: "conversation_changed",
    conversationId: "c",
    change: { actorId: "ada", names },
  } as unknown as Event;
}

const of = { conversation_id: "c", actor_id: "ada" };

test.each([
  ["a removal", member("member_removed", "bob"), "member_removed", { ...of, user_id: "bob" }],
  [
    "a role",
    member("member_role_changed", "bob", "admin"),
    "member_role_changed",
    { ...of, user_id: "bob", role: "admin" },
  ],
  [
    "an owner",
    member("member_role_changed", "bob", "owner"),
    "group_owner_changed",
    { ...of, user_id: "bob", role: "owner" },
  ],
  ["a block", member("member_blocked", "bob"), "block_applied", { ...of, user_id: "bob" }],
  ["its end", member("member_unblocked", "bob"), "block_lifted", { ...of, user_id: "bob" }],
  [
    "a moderation",
    deletedOf("bob"),
    "message_deleted_by_moderator",
    { ...of, user_id: "bob", message_id: "m" },
  ],
] as const)("%s is noted: who, whom, where", (_, event, name, fields) => {
  expect(securityNoteOf(by("ada"), event)).toEqual({ event: name, fields });
});

test("of settings, the names of those of the group are noted; what people named themselves is not", () => {
  const event = changed("my secret plan", "group_settings.message_permission", "group_settings.x y");
  expect(securityNoteOf(by("ada"), event)?.fields).toEqual({ ...of, names: "message_permission" });
  expect(securityNoteOf(by("ada"), changed("name"))).toBeNull();
});

test("who leaves, deletes their own message or adds a member is not noted", () => {
  const quiet = [member("member_removed", "ada"), deletedOf("ada"), member("member_added", "bob")];
  for (const event of quiet) expect(securityNoteOf(by("ada"), event)).toBeNull();
});
