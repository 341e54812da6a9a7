import { Type } from "@sinclair/typebox";
import type { Reaction, Reactions } from "../../core/messages/reaction.ts";
import { instantText } from "./instant.ts";
import { closed, id, instant, messageIdField } from "./schemas.ts";

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

export const reactionSchema = closed(
  {
    id: id("The reaction."),
    message_id: messageIdField,
    user_id: id("Who reacted."),
    reaction: Type.String({ description: "The characters of the reaction." }),
    created_at: instant("When they reacted."),
  },
  { $id: "Reaction", description: "A reaction of one user to one message." },
);

export const reactionSummarySchema = Type.Record(Type.String(), Type.Integer({ minimum: 1 }), {
  description: "How many of each reaction there are.",
});
