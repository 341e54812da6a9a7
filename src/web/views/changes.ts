import type { Changes } from "../../core/ports/sync-reads.ts";
import { bareConversationText } from "./conversation.ts";
import { memberRecordText } from "./member.ts";
import { seenTexts } from "./message.ts";

/** What changed; the conversation only if it did itself. */
export function changesText({ messages, members, conversation }: Changes): string {
  const own = conversation ? `,"conversation":${bareConversationText(conversation)}` : "";
  return `{"messages":${seenTexts(messages)},"members":[${members.map(memberRecordText).join()}]${own}}`;
}
