/** The statements of `actor-reads.ts`, with their rows. Each reads a batch of lookups; `place` numbers the lookups from 1. */
import { isKnown } from "./contact-rows.ts";
import { everything, messageColumns } from "./message-rows.ts";
import { type HeadRow, headColumns, type MembersRow, membersLateral } from "./rows.ts";

/** How many of the newest messages an actor is loaded with the keys of. */
const loadedKeys = 128;

export const loadConversations = {
  name: "load-conversations",
  text: `
select c.id, c.type, c.is_active, c.metadata, ${headColumns}, members.members, keys.*
from unnest($1::uuid[]) asked(id)
cross join lateral (select * from conversations where id = asked.id limit 1) c
cross join lateral (select * from conversation_heads where conversation_id = c.id limit 1) h
${membersLateral}
cross join lateral (
  select array_agg(sender_id::text order by seq) as key_senders, array_agg(dedup_key >> 32 || ' ' || (dedup_key & 4294967295) order by seq) as key_values,
    array_agg(seq::text order by seq) as key_seqs, array_agg(sent_at::text order by seq) as key_times
  from messages where conversation_id = c.id and seq > h.seq - ${loadedKeys} and dedup_key is not null) keys`,
};

export const findKeys = {
  name: "find-keys",
  text: `
select asked.conversation_id as "conversationId", asked.sender_id as "senderId", m.dedup_key >> 32 as "deviceTag",
  asked.random as "clientRandom", m.seq, m.sent_at
from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[]) asked(conversation_id, sender_id, tag, random)
cross join lateral (values (asked.random), (asked.tag << 32 | asked.random)) held(key)
cross join lateral (
  select dedup_key, seq, sent_at from messages
  where conversation_id = asked.conversation_id and sender_id = asked.sender_id and dedup_key = held.key limit 1) m`,
};

export const readMessages = {
  name: "read-messages",
  text: `
select asked.place, ${messageColumns(everything)}
from unnest($1::uuid[], $2::int8[]) with ordinality asked(conversation_id, seq, place)
cross join lateral (
  select * from messages where conversation_id = asked.conversation_id and seq = asked.seq limit 1) m`,
};

/** A viewer sees the messages after the one at which their membership began. */
export const findTargets = {
  name: "find-targets",
  text: `
select asked.place, ${messageColumns({ joinedSeq: "own.joined_seq", reactions: "all" })}
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality asked(conversation_id, id, viewer_id, place)
cross join lateral (
  select 0::int8 as joined_seq where asked.viewer_id is null
  union all (
    select joined_seq from conversation_members
    where conversation_id = asked.conversation_id and user_id = asked.viewer_id and left_seq is null limit 1)) own
cross join lateral (
  select * from messages
  where conversation_id = asked.conversation_id and id = asked.id and seq > own.joined_seq limit 1) m`,
};

export const findSeqs = {
  name: "find-seqs",
  text: `
select asked.place, m.seq
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality asked(conversation_id, id, user_id, place)
cross join lateral (
  select joined_seq from conversation_members
  where conversation_id = asked.conversation_id and user_id = asked.user_id and left_seq is null limit 1) own
cross join lateral (
  select seq from messages
  where conversation_id = asked.conversation_id and id = asked.id and seq > own.joined_seq limit 1) m`,
};

export const findCreatedRevs = {
  name: "find-created-revs",
  text: `
select asked.place, m.created_rev
from unnest($1::uuid[], $2::int8[]) with ordinality asked(conversation_id, seq, place)
cross join lateral (
  select created_rev from messages where conversation_id = asked.conversation_id and seq = asked.seq limit 1) m`,
};

export const readMetadata = {
  name: "read-metadata",
  text: `
select asked.place, c.metadata
from unnest($1::uuid[]) with ordinality asked(id, place)
cross join lateral (select metadata from conversations where id = asked.id limit 1) c`,
};

/** A row of `loadConversations`. */
export interface LoadedRow extends MembersRow, HeadRow {
  readonly id: string;
  readonly type: "direct" | "group";
  readonly is_active: boolean;
  readonly metadata: Buffer;
  readonly key_senders: readonly string[] | null;
  /** Tag of the device and `client_random`, with a space between. */
  readonly key_values: readonly string[];
  readonly key_seqs: readonly string[];
  readonly key_times: readonly string[];
}

export const areMembers = {
  name: "are-members",
  text: `
select asked.place
from unnest($1::uuid[], $2::uuid[]) with ordinality asked(conversation_id, user_id, place)
cross join lateral (
  select 1 from conversation_members
  where conversation_id = asked.conversation_id and user_id = asked.user_id and left_seq is null limit 1) m`,
};

/** A pair has a row only if one of the two has blocked the other, or created a conversation with them. */
export const findContacts = {
  name: "find-contacts",
  text: `
select asked.place, asked.user_id,
  coalesce(case when asked.user_id = p.low_id then p.low_blocks_since else p.high_blocks_since end is not null, false) as has_blocked,
  coalesce(case when asked.user_id = p.low_id then p.high_blocks_since else p.low_blocks_since end is not null, false) as is_blocked,
  asked.is_known_asked and ${isKnown("asked.adder_id", "asked.user_id")} as is_known, own.stays_out_until
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bool[]) with ordinality asked(conversation_id, adder_id, user_id, is_known_asked, place)
left join lateral (
  select low_id, low_blocks_since, high_blocks_since from direct_pairs
  where low_id = least(asked.adder_id, asked.user_id) and high_id = greatest(asked.adder_id, asked.user_id) limit 1) p on true
left join lateral (
  select stays_out_until from conversation_members
  where conversation_id = asked.conversation_id and user_id = asked.user_id limit 1) own on true`,
};

/** A row of `findContacts`. */
export interface ContactRow {
  readonly place: number;
  readonly user_id: string;
  readonly has_blocked: boolean;
  readonly is_blocked: boolean;
  readonly is_known: boolean;
  readonly stays_out_until: string | null;
}
