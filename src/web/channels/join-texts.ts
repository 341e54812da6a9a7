import type { Changes, Cursor, JoinFacts, SeenMessage } from "../../core/ports/store.ts";
import type { JoinedConversation, JoinedUser } from "../../engine/joins.ts";
import type { Session } from "../session.ts";
import { changesText } from "../views/changes.ts";
import { bareConversationText } from "../views/conversation.ts";
import { marksText } from "../views/marks.ts";
import { seenTexts } from "../views/message.ts";

/** JSON text of what joins answer and what is pushed before a topic is live. Contract: decisions.md, "Sync on the wire". */

/** The ok of a join of `conversation:<id>`; null when the store does not know all of it. */
export function joinedConversationText(
  { facts, changes }: JoinedConversation,
  since: Cursor | null,
): string | null {
  const { conversation, head, generation } = facts;
  if (!conversation || !head) return null;
  return (
    `{"conversation":${bareConversationText(conversation)},` +
    `"head_seq":${head.seq},"head_rev":${head.rev},"generation":${generation}` +
    `${since ? resumedFields(facts, changes) : ""}}`
  );
}

function resumedFields(facts: JoinFacts, changes: Changes | null): string {
  const marks = marksText(changes?.marks ?? facts.marks);
  if (!changes) return `,"resumed":false,"marks":${marks}`;
  return `,"resumed":true,"changes":${changesText(changes)},"marks":${marks}`;
}

/** The ok of a join of `user:<id>`. */
export function joinedUserText({ userId, deviceId }: Session, { generation, resumed }: JoinedUser): string {
  return (
    `{"user_id":"${userId}","device_id":${JSON.stringify(deviceId)},` +
    `"generation":${generation},"resumed":${resumed}}`
  );
}

/** `pending_messages`. */
export function pendingText(messages: readonly SeenMessage[]): string {
  return `{"messages":${seenTexts(messages)}}`;
}
