import type { Role } from "../core/conversations/conversation.ts";
import type { ConversationSummary, ViewerReads } from "../core/ports/store.ts";
import type { ListConversations } from "../core/queries.ts";
import type { ReadPool } from "./database.ts";
import { everything, type MessageRow, messageColumns, toSeen } from "./message-rows.ts";
import {
  type HeadRow,
  headColumns,
  type MembersRow,
  membersLateral,
  type SettingsRow,
  settingsColumns,
  toHead,
  toMembers,
  toSettings,
  toUs,
  withoutMarks,
} from "./rows.ts";

/** What is counted as unread, and how many messages are looked at for it when most of them are one's own or deleted. */
const mostUnread = 1_000;
const mostLookedAt = 10_000;

/** `mine`: the viewer's present memberships. The newest message is the viewer's to see when it came after the viewer. */
const summaryOf = (mine: string, order: string) => `
with mine as (${mine})
select mine.role, ${settingsColumns}, c.created_at as c_created_at, c.updated_at as c_updated_at, c.direct_low, c.direct_high,
  ${headColumns}, members.members,
  unread.unread_count, h.seq - mine.joined_seq as message_count, ${messageColumns({ ...everything, joinedSeq: "mine.joined_seq" })}
from mine
cross join lateral (select * from conversations where id = mine.conversation_id limit 1) c
cross join lateral (select * from conversation_heads where conversation_id = mine.conversation_id limit 1) h
${membersLateral}
left join lateral (
  select unread_from_seq from conversation_settings
  where user_id = $1 and conversation_id = mine.conversation_id limit 1) own on true
cross join lateral (
  select count(*) as unread_count from (
    select from (
      select sender_id, deleted_at from messages
      where conversation_id = mine.conversation_id
        and seq > greatest(mine.joined_seq, least(mine.read_seq, own.unread_from_seq - 1))
      order by seq limit ${mostLookedAt}) later
    where sender_id <> $1 and deleted_at is null limit ${mostUnread}) others) unread
left join lateral (
  select * from messages
  where conversation_id = mine.conversation_id and seq = h.seq and h.seq > mine.joined_seq limit 1) m on true
${order}`;

const listConversations = {
  name: "list-conversations",
  text: summaryOf(
    `select m.conversation_id, m.role, m.joined_seq, m.read_seq, coalesce(h.last_message_at, c.created_at) as active_at
    from conversation_members m
    cross join lateral (select created_at, is_active from conversations where id = m.conversation_id limit 1) c
    cross join lateral (
      select last_message_at from conversation_heads where conversation_id = m.conversation_id limit 1) h
    where m.user_id = $1 and m.left_seq is null and c.is_active
    order by active_at desc, m.conversation_id desc limit $2 offset $3`,
    "order by mine.active_at desc, mine.conversation_id desc",
  ),
};

const showConversation = {
  name: "show-conversation",
  text: summaryOf(
    `select conversation_id, role, joined_seq, read_seq from conversation_members
    where user_id = $1 and conversation_id = $2 and left_seq is null`,
    "",
  ),
};

interface SummaryRow extends SettingsRow, HeadRow, MembersRow, MessageRow {
  readonly role: Role;
  readonly c_created_at: string;
  readonly c_updated_at: string;
  readonly direct_low: string | null;
  readonly direct_high: string | null;
  readonly unread_count: number;
  readonly message_count: number;
}

export async function readList(
  reads: ReadPool,
  { viewerId, limit, offset }: ListConversations,
): ReturnType<ViewerReads["listConversations"]> {
  const { rows } = await reads.query<SummaryRow>({
    ...listConversations,
    values: [viewerId, limit + 1, offset],
  });
  return {
    summaries: rows.slice(0, limit).map((row) => toSummary(row, viewerId)),
    hasMore: rows.length > limit,
  };
}

export async function readConversation(
  reads: ReadPool,
  viewerId: string,
  conversationId: string,
): ReturnType<ViewerReads["showConversation"]> {
  const { rows } = await reads.query<SummaryRow>({ ...showConversation, values: [viewerId, conversationId] });
  const row = rows[0];
  if (!row) return { membership: null, summary: null };
  return { membership: { role: row.role }, summary: toSummary(row, viewerId) };
}

function toSummary(row: SummaryRow, viewerId: string): ConversationSummary {
  const members = toMembers(row);
  return {
    conversation: {
      ...toSettings(row),
      createdAtUs: toUs(row.c_created_at),
      updatedAtUs: toUs(row.c_updated_at),
      members: members.map(withoutMarks),
      memberUserIds: pairOf(row) ?? members.map(({ userId }) => userId),
      head: toHead(row),
    },
    lastMessage: row.id === null ? null : toSeen(row, viewerId, members),
    unreadCount: row.unread_count,
    messageCount: row.message_count,
  };
}

/** Null: a group. */
function pairOf({ direct_low, direct_high }: SummaryRow): readonly string[] | null {
  return direct_low !== null && direct_high !== null ? [direct_low, direct_high] : null;
}
