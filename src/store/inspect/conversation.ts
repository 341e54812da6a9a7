import { shardOf } from "../../core/ports/ownership.ts";
import { type Ask, inSnapshot, instant, type Page } from "./snapshot.ts";

/** What an operator may see of a conversation: numbers and times, never content or metadata. */
export interface ConversationInspection {
  readonly id: string;
  readonly type: string;
  readonly isActive: boolean;
  readonly createdAt: string;
  readonly metadataBytes: number;
  readonly head: {
    readonly seq: number;
    readonly rev: number;
    readonly membersRev: number;
    readonly lastMessageAt: string | null;
  };
  /** Counted in the log; equal to `head.seq`, or something is wrong. */
  readonly stored: { readonly messages: number; readonly maxSeq: number };
  /** Former ones too. */
  readonly memberCount: number;
  /** A page of them, in the order in which they came. */
  readonly members: readonly MemberInspection[];
  readonly owner: Owner;
}

export interface MemberInspection {
  readonly userId: string;
  readonly role: string;
  readonly joinedAt: string;
  readonly joinedSeq: number;
  /** Null: still a member. */
  readonly leftAt: string | null;
  readonly leftSeq: number | null;
  readonly deliveredSeq: number;
  readonly readSeq: number;
  /** Messages that the member may see and has not received, or read. */
  readonly undelivered: number;
  readonly unread: number;
  /** That the server has seen. */
  readonly devices: number;
}

/** Who may write; node null: nobody yet. */
export interface Owner {
  readonly shard: number;
  readonly node: string | null;
  readonly epoch: number;
}

/** Null: there is no such conversation. */
export function inspectConversation(
  url: string,
  id: string,
  page: Page,
): Promise<ConversationInspection | null> {
  return inSnapshot(url, async (ask) => {
    const [conversation] = await ask<ConversationRow>(conversationOf, id);
    if (!conversation) return null;
    const { seq, rev, membersRev, lastMessageAt, messages, maxSeq, ...rest } = conversation;
    return {
      ...rest,
      head: { seq, rev, membersRev, lastMessageAt },
      stored: { messages, maxSeq },
      members: await ask<MemberInspection>(membersOf, id, page.limit, page.offset),
      owner: await ownerOf(ask, id),
    };
  });
}

export async function ownerOf(ask: Ask, conversationId: string): Promise<Owner> {
  const shard = shardOf(conversationId);
  const [owner] = await ask<Owner>(
    "select shard, node, epoch from conversation_ownership where shard = $1",
    shard,
  );
  return owner ?? { shard, node: null, epoch: 0 };
}

interface ConversationRow
  extends Pick<
    ConversationInspection,
    "id" | "type" | "isActive" | "createdAt" | "metadataBytes" | "memberCount"
  > {
  readonly seq: number;
  readonly rev: number;
  readonly membersRev: number;
  readonly lastMessageAt: string | null;
  readonly messages: number;
  readonly maxSeq: number;
}

const conversationOf = `
select c.id, c.type, c.is_active as "isActive", ${instant("c.created_at")} as "createdAt",
  octet_length(c.metadata) as "metadataBytes", h.seq, h.rev, h.members_rev as "membersRev",
  ${instant("h.last_message_at")} as "lastMessageAt", log.messages, log."maxSeq",
  (select count(*) from conversation_members where conversation_id = c.id) as "memberCount"
from conversations c join conversation_heads h on h.conversation_id = c.id
cross join lateral (
  select count(*) as messages, coalesce(max(seq), 0) as "maxSeq" from messages where conversation_id = c.id) log
where c.id = $1`;

const membersOf = `
select m.user_id as "userId", m.role, ${instant("m.joined_at")} as "joinedAt", m.joined_seq as "joinedSeq",
  ${instant("m.left_at")} as "leftAt", m.left_seq as "leftSeq", m.delivered_seq as "deliveredSeq", m.read_seq as "readSeq",
  greatest(coalesce(m.left_seq, h.seq) - greatest(m.delivered_seq, m.joined_seq), 0) as undelivered,
  greatest(coalesce(m.left_seq, h.seq) - greatest(m.read_seq, m.joined_seq), 0) as unread,
  (select count(*) from devices where user_id = m.user_id) as devices
from conversation_members m join conversation_heads h on h.conversation_id = m.conversation_id
where m.conversation_id = $1 order by m.joined_at, m.user_id limit $2 offset $3`;
