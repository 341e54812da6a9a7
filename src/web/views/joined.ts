import type { JoinFacts } from "../../core/ports/store.ts";
import type { Session } from "../session.ts";
import { bareConversationText } from "./conversation.ts";

/** The ok of a join of `conversation:<id>`; null when the store does not know all of it. */
export function joinedConversationText({ conversation, head }: JoinFacts): string | null {
  if (!conversation || !head) return null;
  return `{"conversation":${bareConversationText(conversation)},"head_seq":${head.seq},"head_rev":${head.rev}}`;
}

/** The ok of a join of `user:<id>`. */
export function joinedUserText({ userId, deviceId }: Session): string {
  return `{"user_id":"${userId}","device_id":${JSON.stringify(deviceId)}}`;
}
