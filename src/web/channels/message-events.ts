import type { Command } from "../../core/commands.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/outcome.ts";
import type { Push } from "../../phoenix/channel.ts";
import { deleteMessageCommand, editMessageCommand } from "../commands/change-message.ts";
import type { Entry } from "../commands/entry.ts";
import { sendMessageCommand } from "../commands/send-message.ts";
import type { Commands } from "../domain.ts";
import type { Gate } from "../gate.ts";
import type { MessageTexts } from "../message-texts.ts";
import { messageIn } from "../outcome-message.ts";
import type { PayloadLimits } from "../payloads/limits.ts";
import { rejectionText } from "../rejections.ts";
import type { Session } from "../session.ts";
import type { Act } from "./events.ts";

export interface MessageEventsOptions {
  readonly commands: Commands;
  readonly gate: Gate;
  readonly texts: MessageTexts;
  readonly limits: PayloadLimits;
  readonly newId: NewId;
  /** The conversation that a topic names. */
  readonly conversationOf: (topic: string) => string;
}

/** What members do to messages over a conversation's topic. */
export function messageEvents(options: MessageEventsOptions): readonly (readonly [string, Act])[] {
  const submit = submitting(options, sendMessageCommand);
  const send: Act = (push) => options.gate.message(push.identity.userId) ?? submit(push);
  return [
    ["new_message", send],
    ["send_message", send],
    ["edit_message", submitting(options, editMessageCommand)],
    ["delete_message", submitting(options, deleteMessageCommand)],
  ];
}

function submitting(
  { commands, texts, limits, newId, conversationOf }: MessageEventsOptions,
  commandOf: (payload: unknown, entry: Entry) => Command | Rejection,
): Act {
  return (push) => {
    const senderId = push.identity.userId;
    const conversationId = conversationOf(push.topic);
    const command = commandOf(push.payload, { limits, newId, senderId, conversationId, messageId: null });
    if (isRejection(command)) return command;
    commands.submit(command, (outcome) => answer(push, outcome, texts));
    return null;
  };
}

/** Refusals were counted where they were made. Without a message: nothing changed, it was deleted before. */
function answer(push: Push<Session>, outcome: Outcome, texts: MessageTexts): void {
  switch (outcome.type) {
    case "done": {
      const message = messageIn(outcome.events);
      return push.reply(true, `{"message":${message && texts.of(message)}}`);
    }
    case "duplicate":
      return push.reply(
        true,
        `{"message":${texts.of(outcome.message)},"duplicate":true,"differs":${outcome.differs}}`,
      );
    case "rejection":
      return push.reply(false, rejectionText(outcome));
  }
}
