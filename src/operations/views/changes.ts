import { Type } from "@sinclair/typebox";
import type { Changes } from "../../core/ports/sync-reads.ts";
import { bareConversationSchema, bareConversationText } from "./conversation.ts";
import { memberRecordSchema, memberRecordText } from "./member.ts";
import { messageSchema, seenTexts } from "./message.ts";
import { closed } from "./schemas.ts";

/** Messages and memberships that changed; the conversation only if it changed itself. */
export function changesText({ messages, members, conversation }: Changes): string {
  const own = conversation ? `,"conversation":${bareConversationText(conversation)}` : "";
  return `{"messages":${seenTexts(messages)},"members":[${members.map(memberRecordText).join()}]${own}}`;
}

export const changesSchema = closed(
  {
    messages: Type.Array(messageSchema, {
      description: "Those that are new or changed, as they are now, in order of seq.",
    }),
    members: Type.Array(memberRecordSchema, { description: "Memberships that began, changed or ended." }),
    conversation: Type.Optional(bareConversationSchema),
  },
  { $id: "Changes", description: "What changed in a conversation since a revision." },
);
