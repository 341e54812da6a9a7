import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aState } from "../../testing/builders/builders.ts";
import { decideWith, someFacts } from "../../testing/builders/facts.ts";
import type { Decision } from "../decision.ts";
import type { Contact } from "./contact.ts";

const noonUs = 1_767_225_600_000_000;
const free = { hasBlocked: false, isBlocked: false, isKnown: true, staysOutUntilUs: null };

/** Ben declined what Anna had begun, after seven messages. */
function declined(standing: Partial<Contact> = {}) {
  const [anna, ben] = [newId(), newId()];
  const state = aState({ userIds: [anna], seq: 7, rev: 9 });
  const given = { type: "return_to_direct", id: newId(), conversationId: state.id } as const;
  const command = { ...given, senderId: ben, otherUserId: anna };
  return decideWith(state, someFacts(), command, noonUs, { ...free, ...standing });
}

test("who declined a direct conversation and begins it again sees all that is there, and chose it", () => {
  const { events } = declined() as Extract<Decision, { type: "decided" }>;
  expect(events).toMatchObject([
    { type: "member_added", rev: 10, member: { joinedSeq: 0, joinedRev: 10, leftSeq: null } },
  ]);
  expect(events[0]).not.toHaveProperty("member.pending");
});

test("nobody begins it again across a block; who is blocked learns nothing of it", () => {
  expect(declined({ hasBlocked: true })).toMatchObject({ code: "not_found" });
  expect(declined({ isBlocked: true })).toMatchObject({ code: "forbidden" });
  expect(declined({ isBlocked: true, hasBlocked: true })).toMatchObject({ code: "forbidden" });
});
