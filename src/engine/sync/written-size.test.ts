import { expect, test } from "bun:test";
import type { Message } from "../../core/messages/message.ts";
import { writtenSize } from "./written-size.ts";

const answer = {
  content: "yes",
  metadata: "{}",
  attachments: null,
  reactions: null,
  replyTo: {
    id: "id",
    seq: 1,
    quote: { senderId: "anna", messageType: "text", content: "q".repeat(1_000), isDeleted: false },
  },
} as Partial<Message> as Message;

test("what a message quotes counts as written: it is sent with it", () => {
  expect(writtenSize([{ message: answer, status: "sent" }])).toBeGreaterThanOrEqual(1_005);
});
