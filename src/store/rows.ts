import type { Conversation, Member, Role } from "../core/conversations/conversation.ts";
import { parseInstant } from "../core/instant.ts";
import { type Message, messageTypes } from "../core/messages/message.ts";
import type { ConversationSummary } from "../core/ports/store.ts";

/** From rows to what the core knows. Each kind of row has its columns in one place, as SQL and as a reader. */

export const messageColumns = `m.id, m.conversation_id, m.seq, m.rev, m.sender_id, m.message_type, m.content, m.metadata,
  m.client_random, m.sent_at`;

export interface MessageRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly seq: number;
  readonly rev: number;
  readonly sender_id: string;
  readonly message_type: number;
  readonly content: Buffer;
  readonly metadata: Buffer;
  readonly client_random: number | null;
  readonly sent_at: string;
}

export function toMessage(row: MessageRow): Message {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    seq: row.seq,
    rev: row.rev,
    senderId: row.sender_id,
    messageType: messageTypes[row.message_type]!,
    content: row.content.toString(),
    metadata: row.metadata.toString(),
    clientRandom: row.client_random,
    sentAtUs: toUs(row.sent_at),
  };
}

export function toUs(instant: string): number {
  const us = parseInstant(instant);
  if (us === null) throw new Error(`not an instant: ${instant}`);
  return us;
}

/** Of one conversation `c` with its head `h`; needs a lateral `members`. */
export const conversationColumns = `c.id as c_id, c.type as c_type, c.metadata as c_metadata, c.is_active as c_is_active,
  c.created_at as c_created_at, c.updated_at as c_updated_at,
  h.seq as h_seq, h.rev as h_rev, h.members_rev as h_members_rev, h.last_message_at as h_last_message_at`;

export const membersLateral = `cross join lateral (
  select coalesce(array_agg(user_id::text order by joined_at, user_id), '{}') as member_ids, array_agg(role order by joined_at, user_id) as member_roles,
    array_agg(joined_at::text order by joined_at, user_id) as member_joined
  from conversation_members where conversation_id = c.id) members`;

export interface MemberColumns {
  readonly member_ids: readonly string[];
  readonly member_roles: readonly Role[];
  readonly member_joined: readonly string[];
}

export interface ConversationRow extends MemberColumns {
  readonly c_id: string;
  readonly c_type: "direct" | "group";
  readonly c_metadata: Buffer;
  readonly c_is_active: boolean;
  readonly c_created_at: string;
  readonly c_updated_at: string;
  readonly h_seq: number;
  readonly h_rev: number;
  readonly h_members_rev: number;
  readonly h_last_message_at: string | null;
}

export function toMembers(row: MemberColumns): Member[] {
  return row.member_ids.map((userId, index) => ({
    userId,
    role: row.member_roles[index]!,
    joinedAtUs: toUs(row.member_joined[index]!),
  }));
}

export function toConversation(row: ConversationRow): Conversation {
  return {
    id: row.c_id,
    type: row.c_type,
    metadata: row.c_metadata.toString(),
    isActive: row.c_is_active,
    createdAtUs: toUs(row.c_created_at),
    updatedAtUs: toUs(row.c_updated_at),
    members: toMembers(row),
    head: {
      seq: row.h_seq,
      rev: row.h_rev,
      membersRev: row.h_members_rev,
      lastMessageAtUs: row.h_last_message_at === null ? null : toUs(row.h_last_message_at),
    },
  };
}

/** A conversation row with the columns of its newest message `m`, which are null when there is none. */
export function toSummary(row: ConversationRow & MessageRow): ConversationSummary {
  return { conversation: toConversation(row), lastMessage: row.id === null ? null : toMessage(row) };
}
