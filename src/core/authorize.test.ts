import { expect, test } from "bun:test";
import { authorize } from "./authorize.ts";

const forMembers = ["send_message", "show_conversation", "read_history", "join_conversation"] as const;
const forAnybody = ["create_direct", "list_conversations"] as const;

test("I8: what belongs to a conversation is for its members, and strangers all get the same answer", () => {
  const answers = forMembers.map((operation) => authorize[operation](null));
  for (const answer of answers) expect(answer).toEqual(answers[0]!);
  expect(answers[0]).toMatchObject({ type: "rejection", code: "not_found" });
  for (const operation of forMembers) expect(authorize[operation]({ role: "member" })).toBeNull();
});

test("anybody may create a direct conversation and list their own", () => {
  for (const operation of forAnybody) expect(authorize[operation](null)).toBeNull();
});

test("I8: every operation has its rule", () => {
  expect(Object.keys(authorize).sort()).toEqual([...forMembers, ...forAnybody].sort());
});
