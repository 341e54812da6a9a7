import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMessageSent, aState } from "../../testing/builders/builders.ts";
import { decideWith, someFacts } from "../../testing/builders/facts.ts";
import { type Attachment, maxAttachments } from "./attachment.ts";
import type { Message } from "./message.ts";

const windowUs = 1_000;
const image = { id: newId(), mediaId: "media", mediaType: "image", metadata: '{"a":1}' } as const;

function attach(message: Partial<Message>, given: { as?: string; afterUs?: number } = {}) {
  const anna = newId();
  const state = aState({ userIds: [anna, newId()], seq: 5, rev: 8 });
  const sent = aMessageSent({ senderId: anna, conversationId: state.id, messageType: "media", ...message });
  const who = given.as ?? anna;
  if (given.as) state.members = new Map(state.members).set(who, state.members.get(anna)!);
  const command = { type: "attach_media", id: newId(), senderId: who, messageId: sent.id } as const;
  const nowUs = sent.sentAtUs + (given.afterUs ?? windowUs);
  const whole = { ...command, conversationId: state.id, attachment: image, withinUs: windowUs };
  return { decision: decideWith(state, someFacts({ messages: [sent] }), whole, nowUs), nowUs };
}

const others = (count: number): Attachment[] =>
  Array.from({ length: count }, (_, at) => ({ ...image, mediaId: `m${at}`, createdAtUs: at }));

test("media are attached behind what is there, at the time when that was decided", () => {
  const before = others(maxAttachments - 1);
  const { decision, nowUs } = attach({ attachments: before });
  const attachments = [...before, { ...image, createdAtUs: nowUs }];
  expect(decision).toMatchObject({
    events: [{ type: "media_attached", rev: 9, message: { rev: 9, attachments } }],
  });
});

test("the same media again change nothing, also when nothing more could be attached", () => {
  const attachments = [...others(maxAttachments - 1), { ...image, createdAtUs: 1 }];
  expect(attach({ attachments }, { afterUs: windowUs + 1 }).decision).toMatchObject({
    type: "unchanged",
    message: { attachments },
  });
});

test("only the author attaches, in time, to media that are there, and ten at most", () => {
  expect(attach({}, { as: newId() }).decision).toMatchObject({ code: "forbidden" });
  expect(attach({}, { afterUs: windowUs + 1 }).decision).toMatchObject({ code: "conflict" });
  expect(attach({ messageType: "text" }).decision).toMatchObject({ code: "conflict" });
  expect(attach({ deletedAtUs: 1 }).decision).toMatchObject({ code: "conflict" });
  expect(attach({ attachments: others(maxAttachments) }).decision).toMatchObject({ code: "conflict" });
});
