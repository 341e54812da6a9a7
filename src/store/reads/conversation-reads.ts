import { listedMembers, type Pending, type Role } from "../../core/conversations/conversation.ts";
import type { MessageStatus } from "../../core/messages/marks.ts";
import { partialOf } from "../../core/messages/partial-message.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { ConversationSummary, ViewerReads } from "../../core/ports/viewer-reads.ts";
import type { ListConversations } from "../../core/queries.ts";
import type { ReadPool } from "../connections/database.ts";
import { apartFrom } from "./contact-rows.ts";
import {
  everything,
  type MessageRow,
  maxPageBytes,
  messageColumns,
  storedBytesOf,
  toMessage,
  toSeen,
} from "./message-rows.ts";
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
  withoutThose,
} from "./rows.ts";

/** The most messages that are counted as unread, and the most that are looked at for it when many are the viewer's own or deleted. */
const mostUnread = 1_000;
const mostLookedAt = 10_000;

/**
 * `mine`: the viewer's present memberships; `members`: what is read of the members. The newest message is the viewer's to see when it came
 * after the viewer; `isWhole`: whether it is read as it was written.
 */
const summaryOf = (given: {
  readonly mine: string;
  readonly columns: string;
  readonly members: string;
  readonly isWhole?: string;
  readonly order: string;
}) => `
with mine as (${given.mine})
select mine.role, mine.pending, ${settingsColumns}, c.created_at as c_created_at, c.updated_at as c_updated_at, c.direct_low, c.direct_high,
  ${headColumns}, ${given.columns},
  unread.unread_count, h.seq - mine.joined_seq as message_count,
  ${messageColumns({ ...everything, joinedSeq: "mine.joined_seq", isWhole: given.isWhole })}
from mine
cross join lateral (select * from conversations where id = mine.conversation_id limit 1) c
cross join lateral (select * from conversation_heads where conversation_id = mine.conversation_id limit 1) h
${given.members}
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
  select *, ${storedBytesOf("messages")} as bytes from messages
  where conversation_id = mine.conversation_id and seq = h.seq and h.seq > mine.joined_seq limit 1) m on true
${given.order}`;

/** For a list: the number of members, and the ids of the first ones. */
const listedLateral = `cross join lateral (
  select count(*) as member_count,
    array_to_string((array_agg(user_id order by joined_at, user_id))[1:${listedMembers}], ';') as member_ids
  from conversation_members where conversation_id = c.id and left_seq is null) members`;

/** SQL for the users whose marks are hidden from the viewer. */
const apartIds = `array(${apartFrom("$1")})`;

/** SQL of `statusOf`, for the viewer's own messages: in a list, the members themselves are not read. */
const statusColumn = `case when m.sender_id = $1 then (
    select case
      when coalesce(bool_or(delivered_seq < m.seq and read_seq < m.seq), true) then 'sent'
      when bool_or(read_seq < m.seq) then 'delivered'
      else 'read' end
    from conversation_members
    where conversation_id = m.conversation_id and left_seq is null and user_id <> $1 and joined_seq < m.seq
      and user_id <> all(${apartIds})) end`;

/** The smallest first, until a page is full. The content of the others is not read. */
const fitsList = `sum(m.bytes) over (order by m.bytes, mine.conversation_id) <= ${maxPageBytes}`;

const listConversations = {
  name: "list-conversations",
  text: summaryOf({
    mine: `select m.conversation_id, m.role, m.pending, m.joined_seq, m.read_seq, coalesce(h.last_message_at, c.created_at) as active_at
    from conversation_members m
    cross join lateral (select created_at, is_active from conversations where id = m.conversation_id limit 1) c
    cross join lateral (
      select last_message_at from conversation_heads where conversation_id = m.conversation_id limit 1) h
    where m.user_id = $1 and m.left_seq is null and c.is_active
    order by active_at desc, m.conversation_id desc limit $2 offset $3`,
    columns: `members.member_count, members.member_ids, ${statusColumn} as status, ${fitsList} as is_whole`,
    members: listedLateral,
    isWhole: fitsList,
    order: "order by mine.active_at desc, mine.conversation_id desc",
  }),
};

const showConversation = {
  name: "show-conversation",
  text: summaryOf({
    mine: `select conversation_id, role, pending, joined_seq, read_seq from conversation_members
    where user_id = $1 and conversation_id = $2 and left_seq is null`,
    columns: `members.members, ${apartIds} as "apartIds"`,
    members: membersLateral,
    order: "",
  }),
};

interface SummaryRow extends SettingsRow, HeadRow, MessageRow {
  readonly role: Role;
  readonly pending: Pending | null;
  readonly c_created_at: string;
  readonly c_updated_at: string;
  readonly direct_low: string | null;
  readonly direct_high: string | null;
  readonly unread_count: number;
  readonly message_count: number;
}

interface ShownRow extends SummaryRow, MembersRow {
  readonly apartIds: readonly string[];
}

interface ListedRow extends SummaryRow {
  readonly member_count: number;
  readonly member_ids: string | null;
  /** Null: the last message is another's. */
  readonly status: MessageStatus | null;
  readonly is_whole: boolean;
}

export async function readList(
  reads: ReadPool,
  { viewerId, limit, offset }: ListConversations,
): ReturnType<ViewerReads["listConversations"]> {
  const { rows } = await reads.query<ListedRow>({
    ...listConversations,
    values: [viewerId, limit + 1, offset],
  });
  return {
    summaries: rows.slice(0, limit).map(toListed),
    hasMore: rows.length > limit,
  };
}

export async function readConversation(
  reads: ReadPool,
  viewerId: string,
  conversationId: string,
): ReturnType<ViewerReads["showConversation"]> {
  const { rows } = await reads.query<ShownRow>({
    ...showConversation,
    values: [viewerId, conversationId],
  });
  const row = rows[0];
  if (!row) return { membership: null, summary: null };
  return {
    membership: { role: row.role, pending: row.pending ?? undefined },
    summary: toSummary(row, viewerId),
  };
}

function toSummary(row: ShownRow, viewerId: string): ConversationSummary {
  const members = toMembers(row);
  const userIds = members.map(({ userId }) => userId);
  return {
    ...countsOf(row),
    conversation: { ...conversationFields(row, userIds), members: members.map(withoutMarks) },
    memberCount: members.length,
    lastMessage: row.id === null ? null : toSeen(row, viewerId, withoutThose(members, row.apartIds)),
  };
}

function toListed(row: ListedRow): ConversationSummary {
  return {
    ...countsOf(row),
    conversation: { ...conversationFields(row, row.member_ids?.split(";") ?? []), members: [] },
    memberCount: row.member_count,
    lastMessage: row.id === null ? null : toListedMessage(row),
  };
}

function toListedMessage(row: ListedRow): SeenMessage {
  const seen = { message: toMessage(row), status: row.status ?? "sent" } as const;
  return row.is_whole ? seen : partialOf(seen);
}

function countsOf({ pending, unread_count, message_count }: SummaryRow) {
  return { pending, unreadCount: unread_count, messageCount: message_count };
}

function conversationFields(row: SummaryRow, memberUserIds: readonly string[]) {
  return {
    ...toSettings(row),
    createdAtUs: toUs(row.c_created_at),
    updatedAtUs: toUs(row.c_updated_at),
    memberUserIds: pairOf(row) ?? memberUserIds,
    head: toHead(row),
  };
}

/** Null: a group. */
function pairOf({ direct_low, direct_high }: SummaryRow): readonly string[] | null {
  return direct_low !== null && direct_high !== null ? [direct_low, direct_high] : null;
}
