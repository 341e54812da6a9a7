import { expect, test } from "bun:test";
import { authorize } from "./authorize.ts";

const forMembers = [
  "send_message",
  "edit_message",
  "delete_message",
  "attach_media",
  "add_reaction",
  "remove_reaction",
  "leave_conversation",
  "accept_conversation",
  "decline_conversation",
  "mark",
  "mark_unread",
  "show_conversation",
  "read_history",
  "show_message",
  "show_delivery_status",
  "list_members",
  "read_changes",
  "join_conversation",
] as const;
const forAdministrators = ["add_members", "remove_member", "change_role", "update_conversation"] as const;
const forTheServer = ["apply_blocks", "return_to_direct"] as const;
const forAnybody = [
  "create_direct",
  "create_group",
  "list_conversations",
  "join_user",
  "allow_readding",
] as const;

test("I8: what belongs to a conversation is for its members, and strangers all get the same answer", () => {
  const answers = forMembers.map((operation) => authorize[operation](null));
  for (const answer of answers) expect(answer).toEqual(answers[0]!);
  expect(answers[0]).toMatchObject({ type: "rejection", code: "not_found" });
  for (const operation of forMembers) expect(authorize[operation]({ role: "member" })).toBeNull();
});

test("who comes and goes is for owners and admins; other members are told that they may not", () => {
  for (const operation of forAdministrators) {
    expect(authorize[operation](null)).toMatchObject({ code: "not_found" });
    for (const role of ["owner", "admin"] as const) expect(authorize[operation]({ role })).toBeNull();
    for (const role of ["moderator", "member"] as const)
      expect(authorize[operation]({ role })).toMatchObject({ code: "forbidden" });
  }
});

test("anybody may create conversations, list their own and join their own topic", () => {
  for (const operation of forAnybody) expect(authorize[operation](null)).toBeNull();
});

test("I8: every operation has its rule", () => {
  expect(Object.keys(authorize).sort()).toEqual(
    [...forMembers, ...forAdministrators, ...forTheServer, ...forAnybody].sort(),
  );
});
