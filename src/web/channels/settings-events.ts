import { sizeOf } from "../../core/commands.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/conversation/outcome.ts";
import { updateConversationCommand } from "../commands/update-conversation.ts";
import type { Commands, Queries } from "../domain.ts";
import { rejectionText } from "../http/rejections.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { bareConversationText } from "../views/conversation.ts";
import type { Act, Acts } from "./events.ts";
import { topicPayload } from "./topic-payload.ts";

export interface SettingsEventsOptions extends BoundedReading {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly newId: NewId;
  /** The conversation that a topic names. */
  readonly conversationOf: (topic: string) => string;
}

/** What members change about a conversation over its topic. */
export function settingsEvents(options: SettingsEventsOptions): Acts {
  return [["update_conversation", updating(options)]];
}

/** Answers with the conversation as it is then. A refusal of the command was counted where it was made. */
function updating(options: SettingsEventsOptions): Act {
  const { commands, queries, limits, observer, newId, conversationOf } = options;
  return async (push, charge) => {
    const { userId: senderId, deviceTag } = push.identity;
    const conversationId = conversationOf(push.topic);
    const entry = { limits, observer, newId, senderId, deviceTag, conversationId, messageId: null };
    const command = updateConversationCommand(topicPayload(push.payload), entry);
    if (isRejection(command)) return command;
    const outcome = await new Promise<Outcome>((resolve) => commands.submit(command, resolve, charge));
    if (isRejection(outcome)) {
      push.reply(false, rejectionText(outcome));
      return null;
    }
    const shown = await queries.show({ type: "show_conversation", viewerId: senderId, conversationId });
    if (isRejection(shown)) return shown;
    const text = `{"conversation":${bareConversationText(shown.conversation)}}`;
    charge.answered(text.length, sizeOf(command));
    push.reply(true, text);
    return null;
  };
}
