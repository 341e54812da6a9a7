import type { MemberRecord, Role } from "../../core/conversations/conversation.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import type { ReadPool } from "../connections/database.ts";
import { apartIdsFrom } from "./contact-rows.ts";
import {
  everything,
  type MessageRow,
  maxPageBytes,
  messageColumns,
  storedBytesOf,
  toSeen,
} from "./message-rows.ts";
import {
  type HeadRow,
  headColumns,
  isExpired,
  marksOnly,
  packedMarks,
  packedRecords,
  presentGeneration,
  type SettingsRow,
  settingsColumns,
  toHead,
  toMarks,
  toRecords,
  toSettings,
  toUs,
} from "./rows.ts";

/**
 * The last seq that was created at or before `since_rev`: `created_rev` grows with `seq`, so the primary key is bisected. What retention
 * took is older than any cursor that can be resumed.
 */
const seqAtCursor = `(
  with recursive range(low, high) as (
    select 0::int8, h.seq + 1
    union all
    select case when m.created_rev > asked.since_rev then low else middle end,
      case when m.created_rev > asked.since_rev then middle else high end
    from range
    cross join lateral (select (low + high) / 2 as middle offset 0) half
    left join lateral (
      select created_rev from messages
      where conversation_id = asked.conversation_id and seq = half.middle limit 1) m on true
    where high - low > 1)
  select max(low) from range)`;

/**
 * The most changed messages that one page passes over, those among them that are not the viewer's to see: others may have reacted to a million
 * messages from before they joined. A page that ends there can be empty; `has_more` and `next` say how to go on.
 */
const changesPassed = 5_000;

/** The most records of members in one page, plus those that changed in the same revision as the last: a group may have had any number. */
const recordsOfPage = 1_000;

/**
 * A message is in the difference once: a new one at the revision of its creation, an older one at the revision of its last change. Both
 * are read in that order, one more than the page holds, so that the one that is too many tells where the page has to end. New ones have
 * no holes: the revision of the first that does not fit bounds the search for changed ones, which would else pass over every later
 * message that was changed, in each page again. (A revision creates one message at present: a command that creates more has to keep the
 * smallest page above that, less one.)
 *
 * Conditions on what is known before (`since_rev < h.rev`, the first row of a question) stop a lookup before it starts: a question to
 * which there is nothing new looks up the membership, the head, the conversation and its members, whose marks are in every answer
 * (0.8 ms alone, 0.1 ms as one of 500; a page of 100 in the middle of 50,000 messages of which 10,000 were changed: 3 to 4 ms).
 *
 * A page ends also where it has its bytes: the revision that exceeds them is its last. Their number is known without reading
 * what is stored apart from its row, so that what does not fit is not read.
 */
const changes = {
  name: "changes",
  text: `
select asked.place, store.generation, viewer.role, ${headColumns}, begin.is_expired, begin.seq as begin_seq,
  members.marks, records.records, ${settingsColumns}, c.rev as c_rev, c.updated_at as c_updated_at, m.position, m.next_position, reach.until_rev,
  ${messageColumns({ ...everything, joinedSeq: "coalesce(viewer.joined_seq, 0)" })}
from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[]) with ordinality
  asked(conversation_id, viewer_id, since_rev, generation, since_seq, page, bytes, place)
cross join lateral ${presentGeneration} store
cross join lateral ${apartIdsFrom("asked.viewer_id")} apart
left join lateral (
  select role, joined_seq, joined_rev from conversation_members
  where conversation_id = asked.conversation_id and user_id = asked.viewer_id and left_seq is null limit 1) viewer on true
left join lateral (
  select * from conversation_heads
  where conversation_id = asked.conversation_id and (asked.viewer_id is null or viewer.role is not null) limit 1) h on true
cross join lateral (
  select ${isExpired} as is_expired,
    greatest(viewer.joined_seq, case
      when asked.since_rev = 0 then 0
      when asked.since_rev >= h.rev then h.seq
      else coalesce(asked.since_seq, ${seqAtCursor}) end) as seq
  offset 0) begin
cross join lateral (
  select case when asked.since_rev < h.rev then least(h.rev, (
    select created_rev from messages
    where conversation_id = asked.conversation_id and seq = begin.seq + asked.page + 1 limit 1), (
    select rev from messages
    where conversation_id = asked.conversation_id and rev <> created_rev and rev > asked.since_rev
    order by rev offset ${changesPassed} limit 1)) end as until_rev
  offset 0) reach
left join lateral (
  select * from (
  select changed.*, row_number() over before as turn, lead(position) over before as next_position,
    sum(${storedBytesOf("changed")}) over before as bytes_before
  from (
    (select created_rev as position, * from messages
    where conversation_id = asked.conversation_id and seq > begin.seq
      and asked.since_rev < h.rev and not begin.is_expired
    order by seq limit asked.page + 1)
    union all
    (select rev as position, * from messages
    where conversation_id = asked.conversation_id and rev <> created_rev
      and rev > asked.since_rev and rev <= reach.until_rev
      and seq <= begin.seq and seq > coalesce(viewer.joined_seq, 0)
      and asked.since_rev < h.rev and not begin.is_expired and begin.seq > coalesce(viewer.joined_seq, 0)
    order by rev fetch first (asked.page + 1) rows with ties)
  ) changed
  window before as (order by position groups between unbounded preceding and 1 preceding)
  order by position fetch first (asked.page + 1) rows with ties) sized
  where coalesce(bytes_before, 0) < asked.bytes) m on true
cross join lateral (
  select ${packedMarks} as marks from conversation_members
  where conversation_id = h.conversation_id and left_seq is null and coalesce(m.turn, 1) = 1
    and user_id <> all(apart.ids)) members
cross join lateral (
  select ${packedRecords} as records from (
    select * from conversation_members
    where conversation_id = h.conversation_id and coalesce(m.turn, 1) = 1
      and (h.members_rev > asked.since_rev or asked.since_rev = 0)
      and (rev > asked.since_rev or asked.since_rev = 0)
      and (left_seq is null or viewer.joined_rev is null or rev >= viewer.joined_rev)
    order by rev
    fetch first (case when asked.viewer_id is null then 2147483647 else ${recordsOfPage} + 1 end) rows with ties) changed
  ) records
left join lateral (
  select * from conversations
  where id = h.conversation_id and coalesce(m.turn, 1) = 1
    and (rev > asked.since_rev or asked.since_rev = 0 or asked.viewer_id is null) limit 1) c on true`,
};

/** One for each message of a question, or one without a message. What is not of the message is in one of them. */
interface ChangesRow extends MessageRow, HeadRow, SettingsRow {
  readonly place: number;
  readonly generation: number;
  readonly role: Role | null;
  readonly is_expired: boolean;
  readonly begin_seq: number;
  readonly marks: string | null;
  readonly records: string | null;
  readonly c_rev: number;
  readonly c_updated_at: string;
  readonly position: number;
  /** Changes after this revision were not looked at; null: nothing is new. */
  readonly until_rev: number | null;
  /** The position of the next change, which may be beyond the bytes of the page; null: there is none. */
  readonly next_position: number | null;
}

export async function readChanges(
  reads: ReadPool,
  questions: readonly ChangesRequest[],
): Promise<readonly Changes[]> {
  const { rows } = await reads.query<ChangesRow>({
    ...changes,
    values: [
      questions.map((each) => each.conversationId),
      questions.map((each) => each.viewerId),
      questions.map((each) => each.sinceRev),
      questions.map((each) => each.generation),
      questions.map((each) => each.sinceSeq),
      questions.map((each) => each.limit),
      questions.map((each) => Math.min(each.maxBytes ?? maxPageBytes, maxPageBytes)),
    ],
  });
  const answers = Map.groupBy(rows, (row) => row.place);
  return questions.map((question, index) => toChanges(question, answers.get(index + 1)!));
}

function toChanges(question: ChangesRequest, rows: readonly ChangesRow[]): Changes {
  const { conversationId, sinceRev, sinceSeq } = question;
  const facts = rows.find(({ marks, records }) => marks !== null || records !== null) ?? rows[0]!;
  const { generation } = facts;
  if (facts.h_seq === null) {
    const next = { conversationId, seq: sinceSeq ?? 0, rev: sinceRev };
    return { ...nothing, conversationId, generation, membership: null, head: null, next };
  }
  const members = toMarks(facts.marks);
  const head = toHead(facts);
  const seen = {
    conversationId,
    generation,
    membership: facts.role === null ? null : { role: facts.role },
    head,
    marks: members.map(marksOnly),
  };
  if (facts.is_expired) {
    return { ...nothing, ...seen, isExpired: true, next: { conversationId, seq: head.seq, rev: head.rev } };
  }
  return { ...seen, ...pageOf(question, rows, { facts, head, members }) };
}

/** Returns the changes up to the revision at which the page ends. */
function pageOf(
  { conversationId, viewerId, sinceRev, limit }: ChangesRequest,
  rows: readonly ChangesRow[],
  of: {
    readonly facts: ChangesRow;
    readonly head: ReturnType<typeof toHead>;
    readonly members: ReturnType<typeof toMarks>;
  },
) {
  const { facts, head, members } = of;
  const found = rows.filter((row) => row.id !== null).sort((one, other) => one.position - other.position);
  const records = toRecords(facts.records);
  const cut = Math.min(
    cutOf(found, limit) ?? head.rev,
    facts.until_rev ?? head.rev,
    viewerId === null ? head.rev : (lastWholeOf(records, sinceRev) ?? head.rev),
  );
  const page = found.filter((row) => row.position <= cut).sort((one, other) => one.seq - other.seq);
  const lastSeq = cut === head.rev ? head.seq : Math.max(facts.begin_seq, page.at(-1)?.seq ?? 0);
  return {
    isExpired: false,
    messages: page.map((row) => toSeen(row, viewerId, members)),
    members: records.filter((record) => record.rev <= cut || viewerId === null),
    conversation: facts.c_id !== null && (facts.c_rev <= cut || viewerId === null) ? toChanged(facts) : null,
    next: { conversationId, seq: lastSeq, rev: cut },
    hasMore: cut < head.rev,
  };
}

function toChanged(row: ChangesRow): Changes["conversation"] {
  return { ...toSettings(row), rev: row.c_rev, updatedAtUs: toUs(row.c_updated_at) };
}

const nothing = {
  isExpired: false,
  messages: [],
  members: [],
  conversation: null,
  marks: [],
  hasMore: false,
} satisfies Partial<Changes>;

/** The last revision that is whole on a page of `limit`; the first one when not even that fits. Null: everything fits. */
function cutOf(
  found: readonly Pick<ChangesRow, "position" | "next_position">[],
  limit: number,
): number | null {
  const tooMany = found[limit];
  const last = found.at(-1)?.position ?? null;
  if (!tooMany) return found.some((row) => hasNext(row, last)) ? last : null;
  const whole = found.findLast(({ position }, index) => index < limit && position < tooMany.position);
  return whole?.position ?? tooMany.position;
}

/** The last revision of which all records are there and may be on the page, beyond `sinceRev`. Null: there are no more records. */
function lastWholeOf(records: readonly MemberRecord[], sinceRev: number): number | null {
  const revs = records.map(({ rev }) => rev).sort((one, other) => one - other);
  const tooMany = revs[recordsOfPage];
  if (tooMany === undefined) return null;
  const whole = revs.findLast((rev) => rev < tooMany) ?? 0;
  return whole > sinceRev ? whole : tooMany;
}

function hasNext(
  { position, next_position }: Pick<ChangesRow, "position" | "next_position">,
  last: number | null,
): boolean {
  return position === last && next_position !== null && next_position > position;
}
