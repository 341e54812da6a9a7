import { type Command, sizeOf } from "../../core/commands.ts";
import type { Message } from "../../core/messages/message.ts";
import { type AddReaction, reactionOf } from "../../core/messages/react.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/conversation/outcome.ts";
import {
  addReactionCommand,
  deleteMessageCommand,
  editMessageCommand,
  removeReactionCommand,
} from "../commands/change-message.ts";
import type { Entry } from "../commands/entry.ts";
import { sendMessageCommand } from "../commands/send-message.ts";
import type { Commands } from "../domain.ts";
import { rejectionText } from "../http/rejections.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import type { MessageTexts } from "../realtime/message-texts.ts";
import { messageIn } from "../realtime/outcome-message.ts";
import { reactionText } from "../views/reaction.ts";
import type { Act, Acts } from "./events.ts";
import { topicPayload } from "./topic-payload.ts";

export interface MessageEventsOptions extends BoundedReading {
  readonly commands: Commands;
  readonly texts: MessageTexts;
  readonly newId: NewId;
  /** The conversation that a topic names. */
  readonly conversationOf: (topic: string) => string;
}

/** What members do to messages over a conversation's topic. */
export function messageEvents(options: MessageEventsOptions): Acts {
  const send = submitting(options, sendMessageCommand);
  return [
    ["new_message", send],
    ["send_message", send],
    ["edit_message", submitting(options, editMessageCommand)],
    ["delete_message", submitting(options, deleteMessageCommand)],
    ["add_reaction", submitting(options, addReactionCommand, reactedText)],
    ["remove_reaction", submitting(options, removeReactionCommand, () => `{"status":"removed"}`)],
  ];
}

/** `textOf`: what is answered instead of the message. */
function submitting<One extends Command>(
  { commands, texts, limits, observer, newId, conversationOf }: MessageEventsOptions,
  commandOf: (payload: unknown, entry: Entry) => One | Rejection,
  textOf: (message: Message, command: One) => string = (message) => `{"message":${texts.of(message)}}`,
): Act {
  return (push, charge) => {
    const { userId: senderId, deviceTag } = push.identity;
    const conversationId = conversationOf(push.topic);
    const entry = { limits, observer, newId, senderId, deviceTag, conversationId, messageId: null };
    const command = commandOf(topicPayload(push.payload), entry);
    if (isRejection(command)) return command;
    const told = (message: Message) => textOf(message, command);
    const reply = (outcome: Outcome) => {
      const text = answerText(outcome, texts, told);
      charge.answered(text.length, sizeOf(command));
      push.reply(!isRejection(outcome), text);
    };
    commands.submit(command, reply, charge);
    return null;
  };
}

function reactedText(message: Message, { senderId, reaction }: AddReaction): string {
  return `{"reaction":${reactionText(message.id, reactionOf(message, senderId, reaction)!)}}`;
}

/** Refusals were counted where they were made. */
function answerText(outcome: Outcome, texts: MessageTexts, textOf: (message: Message) => string): string {
  switch (outcome.type) {
    case "done":
      return textOf(messageIn(outcome.events)!);
    case "unchanged":
      return textOf(outcome.message);
    case "duplicate":
      return `{"message":${texts.of(outcome.message)},"duplicate":true,"differs":${outcome.differs}}`;
    case "rejection":
      return rejectionText(outcome);
  }
}
