import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { formatInstant } from "../../core/instant.ts";
import type {
  MarkedConversation,
  MarkedMessage,
  MarkMove,
  MarkMoved,
  MemberBefore,
} from "../../core/messages/marks.ts";
import type { Batch } from "../../core/ports/commit.ts";
import type { HeadMove, Rows } from "./batch.ts";
import { encode, int8, rowsFrom, uuid, widthOf } from "./column.ts";

const columns = {
  conversation_id: uuid((mark: MarkMove) => mark.conversationId),
  user_id: uuid((mark: MarkMove) => mark.userId),
  delivered_seq: int8((mark: MarkMove) => mark.deliveredSeq),
  read_seq: int8((mark: MarkMove) => mark.readSeq),
};

/** The rows and their time. */
export const marksWidth = widthOf(columns) + 1;
/** The most messages reported for each conversation. */
const maxReportedMessages = 50;

/**
 * Marks have no `rev`: only the fence decides over them, `isHeld` in the statement. They grow, and never pass the head as this statement
 * leaves it. The marks of a member with a pending request stay at 0 until they accept. No indexed column is touched, so that the updates are
 * HOT. The laterals keep plans that were made on empty tables at one look-up per row. A message that is delivered and read at once has one
 * range: that of reading.
 */
export function marksSql(first: number, isHeld: string): string {
  const at = `$${first + widthOf(columns)}::timestamptz`;
  return `
wanted as materialized (
  select w.conversation_id, m.user_id, m.delivered_seq as delivered_from, m.read_seq as read_from,
    greatest(m.delivered_seq, least(m.reach, head.seq, greatest(w.delivered_seq, w.read_seq, 0))) as delivered_to,
    greatest(m.read_seq, least(m.reach, head.seq, greatest(w.read_seq, 0))) as read_to,
    unread.from_seq as unread_from
  from ${rowsFrom(first, "w", columns)}
  left join heads on heads.conversation_id = w.conversation_id
  left join lateral (
    select user_id, delivered_seq, read_seq, case when pending = 'request' then 0 end as reach from conversation_members
    where conversation_id = w.conversation_id and user_id = w.user_id and left_seq is null limit 1) m on true
  left join lateral (
    select coalesce(heads.seq, seq) as seq from conversation_heads
    where conversation_id = w.conversation_id limit 1) head on true
  left join lateral (
    select unread_from_seq as from_seq from conversation_settings
    where user_id = m.user_id and conversation_id = w.conversation_id and w.read_seq is not null limit 1) unread on true
  where ${isHeld}
),
marked as (
  update conversation_members m set delivered_seq = w.delivered_to, read_seq = w.read_to
  from wanted w
  where m.conversation_id = w.conversation_id and m.user_id = w.user_id
    and (w.delivered_to > w.delivered_from or w.read_to > w.read_from)
),
ranges as (
  insert into delivery_statuses (conversation_id, user_id, kind, from_seq, to_seq, at)
  select conversation_id, user_id, 'delivered', greatest(delivered_from, read_to) + 1, delivered_to, ${at} from wanted
  where delivered_to > delivered_from and delivered_to > read_to
  union all
  select conversation_id, user_id, 'read', read_from + 1, read_to, ${at} from wanted
  where read_to > read_from
  on conflict do nothing
)`;
}

/** Returns what the marks did, as one JSON text of ids and numbers. It sees the snapshot from before the statement. */
export const markedColumn = `(
  select json_agg(json_build_array(c.conversation_id, c.moved, members.present, messages.newest))::text
  from (
    select conversation_id,
      json_agg(json_build_array(user_id, delivered_from, delivered_to, read_from, read_to, coalesce(unread_from <= read_to, false)))
        filter (where user_id is not null) as moved,
      min(least(case when delivered_to > delivered_from then delivered_from end, case when read_to > read_from then read_from end)) as lowest,
      max(greatest(case when delivered_to > delivered_from then delivered_to end, case when read_to > read_from then read_to end)) as highest
    from wanted group by conversation_id) c
  cross join lateral (
    select json_agg(json_build_array(user_id, joined_seq, delivered_seq, read_seq)) as present from conversation_members
    where conversation_id = c.conversation_id and left_seq is null and c.moved is not null) members
  cross join lateral (
    select json_agg(json_build_array(id, seq, sender_id)) as newest
    from (
      select id, seq, sender_id from messages
      where conversation_id = c.conversation_id and seq > c.lowest and seq <= c.highest
      order by seq desc limit ${maxReportedMessages}) m) messages
)`;

export function markParameters(marks: readonly MarkMove[], atUs: number): (Buffer | string)[] {
  return [...encode(columns, marks), formatInstant(atUs)];
}

type MarkedRow = readonly [
  conversationId: string,
  moved: readonly MovedRow[] | null,
  members: readonly MemberRow[] | null,
  messages: readonly MessageRow[] | null,
];
type MovedRow = readonly [
  userId: string,
  deliveredFrom: number,
  deliveredTo: number,
  readFrom: number,
  readTo: number,
  wasUnread: boolean,
];
type MemberRow = readonly [userId: string, joinedSeq: number, deliveredSeq: number, readSeq: number];
type MessageRow = readonly [id: string, seq: number, senderId: string];

/**
 * Returns what the marks of a batch did; `text` is of `markedColumn`. Adds what this batch itself stored in conversations that are not in
 * `moved`: the statement's snapshot is without it.
 */
export function markedOf(
  text: string | null,
  { rows, batch, moved }: { readonly rows: Rows; readonly batch: Batch; readonly moved: ReadonlySet<string> },
): readonly MarkedConversation[] {
  if (text === null) return [];
  const heads = new Map(rows.heads.map((head) => [head.conversationId, head]));
  return (JSON.parse(text) as MarkedRow[]).map(toMarked).map((marked) => {
    const head = heads.get(marked.conversationId);
    const isStored = head && !moved.has(head.conversationId);
    return isStored && marked.moved.length > 0 ? withNew(marked, head, batch) : marked;
  });
}

function toMarked([conversationId, moved, members, messages]: MarkedRow): MarkedConversation {
  return {
    conversationId,
    moved: (moved ?? []).map(toMoved),
    members: (members ?? []).map(toMember),
    messages: (messages ?? []).map(toMessage),
  };
}

function toMoved([userId, deliveredFrom, deliveredTo, readFrom, readTo, wasUnread]: MovedRow): MarkMoved {
  return { userId, deliveredFrom, deliveredTo, readFrom, readTo, wasUnread };
}

function toMember([userId, joinedSeq, deliveredSeq, readSeq]: MemberRow): MemberBefore {
  return { userId, joinedSeq, deliveredSeq, readSeq };
}

function toMessage([id, seq, senderId]: MessageRow): MarkedMessage {
  return { id, seq, senderId };
}

function withNew(
  marked: MarkedConversation,
  { conversationId, sent, membersRev }: HeadMove,
  batch: Batch,
): MarkedConversation {
  const own = sent.filter((message) => marked.moved.some((move) => isOver(move, message.seq)));
  const newest = own.map(({ id, seq, senderId }) => ({ id, seq, senderId })).reverse();
  const members = new Map(marked.members.map((member) => [member.userId, member]));
  // The batch is walked only for a conversation whose members it changes.
  const changes = membersRev === null ? [] : lastMemberChanges(batch, conversationId);
  for (const change of changes) moveMember(members, change);
  return {
    ...marked,
    members: [...members.values()],
    messages: [...newest, ...marked.messages].slice(0, maxReportedMessages),
  };
}

function lastMemberChanges({ changes }: Batch, conversationId: string): Iterable<MemberChanged> {
  const last = new Map<string, MemberChanged>();
  for (const change of changes) {
    if (change.conversationId !== conversationId) continue;
    for (const event of change.events) if ("member" in event) last.set(event.member.userId, event);
  }
  return last.values();
}

function moveMember(
  members: Map<string, MemberBefore>,
  { member: { userId, joinedSeq, leftSeq } }: MemberChanged,
): void {
  if (leftSeq !== null) members.delete(userId);
  else if (!members.has(userId))
    members.set(userId, { userId, joinedSeq, deliveredSeq: joinedSeq, readSeq: joinedSeq });
}

function isOver({ deliveredFrom, deliveredTo, readFrom, readTo }: MarkMoved, seq: number): boolean {
  return (seq > deliveredFrom && seq <= deliveredTo) || (seq > readFrom && seq <= readTo);
}
