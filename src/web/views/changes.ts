import type { ChangeFrame } from "../../core/ports/pubsub.ts";
import type { Changes } from "../../core/ports/store.ts";
import { bareConversationText } from "./conversation.ts";
import { memberRecordText } from "./member.ts";
import { seenTexts } from "./message.ts";

/** What changed; the conversation only if it did itself. */
export function changesText({ messages, members, conversation }: Changes): string {
  const own = conversation ? `,"conversation":${bareConversationText(conversation)}` : "";
  return `{"messages":${seenTexts(messages)},"members":[${members.map(memberRecordText).join()}]${own}}`;
}

/** The push to who was made a member of a new conversation, which is read over REST. */
export function createdText(conversationId: string): string {
  return `{"conversation_id":"${conversationId}","rev":0}`;
}

/** The push of a change that its receiver does not see: only that the conversation moved. */
export function conversationChangedText(frame: Pick<ChangeFrame, "conversationId" | "rev">): string {
  return `{"conversation_id":"${frame.conversationId}","rev":${frame.rev}}`;
}
