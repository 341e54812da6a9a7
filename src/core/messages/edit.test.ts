import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMessageSent, aState } from "../../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../../testing/builders/facts.ts";
import type { Command } from "../commands.ts";
import type { Role } from "../conversations/conversation.ts";
import type { Message } from "./message.ts";

const windowUs = 1_000_000;

/** A conversation with one known message of the first member. */
function aTalk(given: { type?: "direct" | "group"; otherRole?: Role; message?: Partial<Message> } = {}) {
  const [anna, ben] = [newId(), newId()];
  const state = aState({ type: given.type ?? "direct", userIds: [anna, ben], seq: 5, rev: 8 });
  if (given.otherRole) {
    const members = new Map(state.members);
    members.set(ben, { ...members.get(ben)!, role: given.otherRole });
    state.members = members;
  }
  const {
    type: _,
    releasesKeyOf: __,
    ...message
  } = aMessageSent({
    conversationId: state.id,
    senderId: anna,
    seq: 3,
    rev: 4,
    ...given.message,
  });
  const facts = someFacts({ messages: [message] });
  const act = (
    type: "edit_message" | "delete_message",
    senderId: string,
    afterUs = 0,
    messageId = message.id,
  ) => {
    const command = {
      type,
      id: newId(),
      conversationId: state.id,
      senderId,
      messageId,
      content: "better",
      metadata: null,
      withinUs: windowUs,
    } as Command;
    const decision = decideWith(state, facts, command, message.sentAtUs + afterUs);
    if (decision.type === "decided") applyAll(state, facts, decision.events);
    return decision;
  };
  return { anna, ben, state, message, act };
}

test("an author edits his message within its window: another content under the same seq, at the next revision", () => {
  const { anna, state, message, act } = aTalk();
  expect(act("edit_message", anna, windowUs)).toMatchObject({
    events: [
      { rev: 9, message: { ...message, rev: 9, content: "better", editedAtUs: message.sentAtUs + windowUs } },
    ],
  });
  expect([state.seq, state.rev]).toEqual([5, 9]);
  expect(act("edit_message", anna, windowUs + 1)).toMatchObject({ code: "conflict" });
});

test("nobody else edits it, whatever his role; nobody edits what is deleted or the system's", () => {
  const { ben, act } = aTalk({ type: "group", otherRole: "admin" });
  expect(act("edit_message", ben)).toMatchObject({ code: "forbidden" });
  const deleted = aTalk({ message: { deletedAtUs: 1 } });
  expect(deleted.act("edit_message", deleted.anna)).toMatchObject({ code: "conflict" });
  const system = aTalk({ message: { messageType: "system" } });
  expect(system.act("edit_message", system.anna)).toMatchObject({ code: "conflict" });
});

test("a message that is not known, or from before the membership, does not exist", () => {
  const { anna, ben, state, act } = aTalk();
  expect(act("edit_message", anna, 0, newId())).toMatchObject({ code: "not_found" });
  const members = new Map(state.members);
  members.set(ben, { ...members.get(ben)!, joinedSeq: 3 });
  state.members = members;
  expect(act("delete_message", ben)).toMatchObject({ code: "not_found" });
});

test("deleting erases content and metadata at once and keeps the place; again changes nothing", () => {
  const { anna, state, message, act } = aTalk({ message: { metadata: '{"a":1}' } });
  expect(act("delete_message", anna)).toMatchObject({
    events: [
      {
        rev: 9,
        message: { id: message.id, seq: 3, content: "", metadata: "{}", deletedAtUs: message.sentAtUs },
      },
    ],
  });
  expect(act("delete_message", anna)).toMatchObject({
    type: "unchanged",
    message: { id: message.id, rev: 9 },
  });
  expect(act("edit_message", anna)).toMatchObject({ code: "conflict" });
  expect(state.rev).toBe(9);
});

test("in a group moderators and up delete what others wrote, at any time; in a direct conversation nobody does", () => {
  for (const [type, otherRole, allowed] of [
    ["group", "moderator", true],
    ["group", "admin", true],
    ["group", "member", false],
    ["direct", "owner", false],
  ] as const) {
    const { ben, act } = aTalk({ type, otherRole });
    const decision = act("delete_message", ben, windowUs + 1);
    expect(decision).toMatchObject(allowed ? { type: "decided" } : { code: "forbidden" });
  }
  const { anna, act } = aTalk();
  expect(act("delete_message", anna, windowUs + 1)).toMatchObject({ code: "conflict" });
});
