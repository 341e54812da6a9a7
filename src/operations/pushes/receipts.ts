import type { MarkMoved, StatusChange } from "../../core/messages/marks.ts";
import type { MarksFrame } from "../../core/ports/pubsub.ts";
import { instantText } from "../views/instant.ts";
import {
  closed,
  conversationIdField,
  id,
  instant,
  messageIdField,
  nullable,
  oneOf,
  seqField,
} from "../views/schemas.ts";
import { everyTopic, push } from "./push.ts";

const timestamp = instant("When it was received or read, within a second.");

export const deliveryStatus = push({
  names: ["delivery_status"],
  topics: ["user"],
  summary: "Tells how far a message of yours has come.",
  payload: closed({
    message_id: messageIdField,
    conversation_id: conversationIdField,
    seq: seqField,
    user_id: nullable(id(), "Who received or read it; null where you must not see who that is."),
    status: oneOf(["sent", "delivered", "read"]),
    timestamp,
  }),
  encode: (frame: MarksFrame, { message, status }: StatusChange, hidden: ReadonlySet<string>) => {
    const isMover = (move: MarkMoved) => move.userId !== message.senderId && movedOver(move, message.seq);
    const mover = frame.moved.find((move) => isMover(move) && !hidden.has(move.userId));
    return (
      `{"message_id":"${message.id}","conversation_id":"${frame.conversationId}","seq":${message.seq},` +
      `"user_id":${mover ? `"${mover.userId}"` : "null"},"status":"${status}","timestamp":"${instantText(frame.atUs)}"}`
    );
  },
});

export interface ReadMessage {
  readonly id: string | null;
  readonly seq: number;
}

export const messageRead = push({
  names: ["message_read"],
  topics: everyTopic,
  summary: "Tells that a member has read every message up to this one.",
  description: "Your own devices get it too, so that they stop showing as unread what you read elsewhere.",
  payload: closed({
    user_id: id("Who has read it."),
    message_id: nullable(id(), "Null where some who get this joined after the message."),
    conversation_id: conversationIdField,
    seq: seqField,
    timestamp,
  }),
  encode: (frame: MarksFrame, { userId }: MarkMoved, message: ReadMessage) => {
    const messageId = message.id === null ? "null" : `"${message.id}"`;
    return (
      `{"user_id":"${userId}","message_id":${messageId},"conversation_id":"${frame.conversationId}",` +
      `"seq":${message.seq},"timestamp":"${instantText(frame.atUs)}"}`
    );
  },
});

function movedOver({ deliveredFrom, deliveredTo, readFrom, readTo }: MarkMoved, seq: number): boolean {
  return (deliveredFrom < seq && seq <= deliveredTo) || (readFrom < seq && seq <= readTo);
}
