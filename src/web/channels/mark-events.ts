import type { MarkMember } from "../../core/messages/marks.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { ClientEvent } from "../../phoenix/channel.ts";
import type { Entry } from "../commands/entry.ts";
import {
  type MarkMessage,
  markCommand,
  markConversationReadCommand,
  markReadCommand,
  markUnreadCommand,
  noteMark,
} from "../commands/mark.ts";
import type { Marks, Queries } from "../domain.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import type { Session } from "../realtime/session.ts";
import type { EventName } from "./event-operations.ts";
import type { Act, Acts } from "./events.ts";
import { topicPayload } from "./topic-payload.ts";

export interface MarkEventsOptions extends BoundedReading {
  readonly marks: Marks;
  readonly queries: Queries;
  readonly newId: NewId;
  /** The conversation that a topic names; null: the payload does. */
  readonly conversationOf: (topic: string) => string | null;
}

/** What a member has received and read, over a conversation's topic. */
export function markEvents(options: MarkEventsOptions): Acts {
  return [...receiptEvents(options), ["mark_read", noting(options, markReadCommand)], unreadEvent(options)];
}

/** The same over a user's own topic, where the payload names the conversation: a device acknowledges what it got there. */
export function ownMarkEvents(options: MarkEventsOptions): Acts {
  return [
    ...receiptEvents(options),
    [
      "mark_conversation_read",
      noting(
        options,
        markConversationReadCommand,
        ({ kind }, newlyRead) => `{"status":"${kind}","messages_marked":${newlyRead}}`,
      ),
    ],
  ];
}

function receiptEvents(options: MarkEventsOptions): Acts {
  return [
    ["message_read", noting(options, (payload, entry) => markCommand(payload, "read", entry))],
    ["message_delivered", noting(options, (payload, entry) => markCommand(payload, "delivered", entry))],
  ];
}

/** Answers ok when the mark is durable. `textOf`: what is answered. */
function noting(
  options: MarkEventsOptions,
  commandOf: (payload: unknown, entry: Entry) => MarkMember | MarkMessage | Rejection,
  textOf: (command: MarkMember | MarkMessage, newlyRead: number) => string = statusText,
): Act {
  return async (push) => {
    const entry = entryOf(options, push);
    const command = commandOf(payloadAt(entry, push), entry);
    if (isRejection(command)) return command;
    const noted = await noteMark(options.marks, command, entry.conversationId !== null);
    if (isRejection(noted)) return noted;
    push.reply(true, textOf(command, noted.newlyRead));
    return null;
  };
}

function statusText({ kind }: MarkMember | MarkMessage): string {
  return `{"status":"${kind}"}`;
}

function unreadEvent(options: MarkEventsOptions): readonly [EventName, Act] {
  const act: Act = async (push) => {
    const entry = entryOf(options, push);
    const command = markUnreadCommand(payloadAt(entry, push), entry);
    if (isRejection(command)) return command;
    const marked = await options.queries.markUnread(command);
    if (isRejection(marked)) return marked;
    push.reply(true, `{"status":"unread"}`);
    return null;
  };
  return ["mark_unread", act];
}

/** On a user's topic the payload names the conversation. */
function payloadAt({ conversationId }: Entry, { payload }: ClientEvent<Session>): unknown {
  return conversationId === null ? payload : topicPayload(payload);
}

function entryOf(options: MarkEventsOptions, push: ClientEvent<Session>): Entry {
  const { limits, observer, newId, conversationOf } = options;
  const { userId: senderId, deviceTag } = push.identity;
  const conversationId = conversationOf(push.topic);
  return { limits, observer, newId, senderId, deviceTag, conversationId, messageId: null };
}
