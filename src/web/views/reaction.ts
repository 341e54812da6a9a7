import type { Reaction, Reactions } from "../../core/messages/reaction.ts";
import { instantText } from "./instant.ts";

export function reactionText(messageId: string, { id, userId, reaction, reactedAtUs }: Reaction): string {
  return (
    `{"id":"${id}","message_id":"${messageId}","user_id":"${userId}",` +
    `"reaction":${JSON.stringify(reaction)},"created_at":"${instantText(reactedAtUs)}"}`
  );
}

export function reactionTexts(messageId: string, list: readonly Reaction[]): string {
  return `[${list.map((each) => reactionText(messageId, each)).join()}]`;
}

/** How many of each there are. */
export function reactionSummaryText(reactions: Reactions | null): string {
  const counts = [...(reactions?.counts ?? [])];
  return `{${counts.map(([reaction, count]) => `${JSON.stringify(reaction)}:${count}`).join()}}`;
}
