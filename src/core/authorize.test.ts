import { expect, test } from "bun:test";
import { accessOf, authorize } from "./authorize.ts";
import { ruleByType } from "./commands.ts";

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
  const answers = forMembers.map((operation) => accessOf(operation).refusal(null));
  for (const answer of answers) expect(answer).toEqual(answers[0]!);
  expect(answers[0]).toMatchObject({ type: "rejection", code: "not_found" });
  for (const operation of forMembers) expect(accessOf(operation).refusal({ role: "member" })).toBeNull();
});

test("who comes and goes is for owners and admins; other members are told that they may not", () => {
  for (const operation of forAdministrators) {
    expect(accessOf(operation).refusal(null)).toMatchObject({ code: "not_found" });
    for (const role of ["owner", "admin"] as const) expect(accessOf(operation).refusal({ role })).toBeNull();
    for (const role of ["moderator", "member"] as const)
      expect(accessOf(operation).refusal({ role })).toMatchObject({ code: "forbidden" });
  }
});

test("anybody may create conversations, list their own and join their own topic", () => {
  for (const operation of forAnybody) expect(accessOf(operation).refusal(null)).toBeNull();
});

test("I8: every operation has its rule", () => {
  expect([...Object.keys(authorize), ...Object.keys(ruleByType)].sort()).toEqual(
    [...forMembers, ...forAdministrators, ...forTheServer, ...forAnybody].sort(),
  );
});
