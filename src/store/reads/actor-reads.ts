import type { Contact } from "../../core/conversations/contact.ts";
import type { ConversationState } from "../../core/conversations/conversation.ts";
import { permissionsOf } from "../../core/conversations/permissions.ts";
import type { Message } from "../../core/messages/message.ts";
import type { KeyUse } from "../../core/messages/send-key.ts";
import type {
  ActorReads,
  ContactsLookup,
  KeyLookup,
  LoadedConversation,
  MembershipLookup,
  MessagePlace,
  SeenTargetLookup,
  SentKey,
  TargetLookup,
} from "../../core/ports/actor-reads.ts";
import type { Change } from "../../core/ports/commit.ts";
import type { ReadPool } from "../connections/database.ts";
import { isKnown } from "./contact-rows.ts";
import { everything, type MessageRow, messageColumns, toMessage } from "./message-rows.ts";
import {
  type HeadRow,
  headColumns,
  type MembersRow,
  membersLateral,
  toHead,
  toMembers,
  toUs,
  toUsOrNull,
  withoutMarks,
} from "./rows.ts";
import { findStored, type StoredRow, storedChanges, storedValues } from "./stored-changes.ts";

/** How many of the newest messages an actor is loaded with the keys of. */
const loadedKeys = 128;

const loadConversations = {
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

const findKeys = {
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

const readMessages = {
  name: "read-messages",
  text: `
select asked.place, ${messageColumns(everything)}
from unnest($1::uuid[], $2::int8[]) with ordinality asked(conversation_id, seq, place)
cross join lateral (
  select * from messages where conversation_id = asked.conversation_id and seq = asked.seq limit 1) m`,
};

/** A viewer sees the messages after the one at which their membership began. */
const findTargets = {
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

const findSeqs = {
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

const findCreatedRevs = {
  name: "find-created-revs",
  text: `
select asked.place, m.created_rev
from unnest($1::uuid[], $2::int8[]) with ordinality asked(conversation_id, seq, place)
cross join lateral (
  select created_rev from messages where conversation_id = asked.conversation_id and seq = asked.seq limit 1) m`,
};

const readMetadata = {
  name: "read-metadata",
  text: `
select asked.place, c.metadata
from unnest($1::uuid[]) with ordinality asked(id, place)
cross join lateral (select metadata from conversations where id = asked.id limit 1) c`,
};

interface LoadedRow extends MembersRow, HeadRow {
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

const areMembers = {
  name: "are-members",
  text: `
select asked.place
from unnest($1::uuid[], $2::uuid[]) with ordinality asked(conversation_id, user_id, place)
cross join lateral (
  select 1 from conversation_members
  where conversation_id = asked.conversation_id and user_id = asked.user_id and left_seq is null limit 1) m`,
};

/** A pair has a row only if one of the two has blocked the other, or created a conversation with them. */
const findContacts = {
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

interface ContactRow {
  readonly place: number;
  readonly user_id: string;
  readonly has_blocked: boolean;
  readonly is_blocked: boolean;
  readonly is_known: boolean;
  readonly stays_out_until: string | null;
}

/** What actors and lanes read of the log. One query each. */
export class PostgresActorReads implements ActorReads {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async loadConversations(ids: readonly string[]): Promise<readonly LoadedConversation[]> {
    const { rows } = await this.#reads.query<LoadedRow>({ ...loadConversations, values: [ids] });
    return rows.map((row) => ({ state: toState(row), keyUses: toKeyUses(row) }));
  }

  async findKeys(questions: readonly KeyLookup[]): Promise<readonly (KeyLookup & KeyUse)[]> {
    const { rows } = await this.#reads.query<KeyLookup & { seq: number; sent_at: string }>({
      ...findKeys,
      values: [
        questions.map((each) => each.conversationId),
        questions.map((each) => each.senderId),
        questions.map((each) => each.deviceTag),
        questions.map((each) => each.clientRandom),
      ],
    });
    return rows.map(({ sent_at, ...found }) => ({ ...found, sentAtUs: toUs(sent_at) }));
  }

  async findTargets(lookups: readonly TargetLookup[]): Promise<readonly (Message | null)[]> {
    const { rows } = await this.#reads.query<MessageRow & { place: number }>({
      ...findTargets,
      values: [
        lookups.map((each) => each.conversationId),
        lookups.map((each) => each.messageId),
        lookups.map((each) => each.viewerId),
      ],
    });
    const found = new Map(rows.map((row) => [row.place, toMessage(row)]));
    return lookups.map((_, index) => found.get(index + 1) ?? null);
  }

  async findSeqs(questions: readonly SeenTargetLookup[]): Promise<readonly (number | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; seq: number }>({
      ...findSeqs,
      values: [
        questions.map((each) => each.conversationId),
        questions.map((each) => each.messageId),
        questions.map((each) => each.userId),
      ],
    });
    const found = new Map(rows.map(({ place, seq }) => [place, seq]));
    return questions.map((_, index) => found.get(index + 1) ?? null);
  }

  async findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; created_rev: number }>({
      ...findCreatedRevs,
      values: [places.map((each) => each.conversationId), places.map((each) => each.seq)],
    });
    const found = new Map(rows.map(({ place, created_rev }) => [place, created_rev]));
    return places.map((_, index) => found.get(index + 1) ?? null);
  }

  async areMembers(questions: readonly MembershipLookup[]): Promise<readonly boolean[]> {
    const { rows } = await this.#reads.query<{ place: number }>({
      ...areMembers,
      values: [questions.map((each) => each.conversationId), questions.map((each) => each.userId)],
    });
    const members = new Set(rows.map(({ place }) => place));
    return questions.map((_, index) => members.has(index + 1));
  }

  async findContacts(questions: readonly ContactsLookup[]): Promise<readonly (readonly Contact[])[]> {
    const each = questions.flatMap(({ userIds, ...question }) =>
      userIds.map((userId) => ({ ...question, userId })),
    );
    const { rows } = await this.#reads.query<ContactRow>({
      ...findContacts,
      values: [
        each.map(({ conversationId }) => conversationId),
        each.map(({ adderId }) => adderId),
        each.map(({ userId }) => userId),
        each.map(({ asksFirst }) => asksFirst),
      ],
    });
    const found = new Map(rows.map((row) => [row.place, toContact(row)]));
    let place = 0;
    return questions.map(({ userIds }) => userIds.map(() => found.get(++place)!));
  }

  async readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]> {
    const { rows } = await this.#reads.query<{ place: number; metadata: Buffer }>({
      ...readMetadata,
      values: [conversationIds],
    });
    const found = new Map(rows.map(({ place, metadata }) => [place, metadata.toString()]));
    return conversationIds.map((_, index) => found.get(index + 1) ?? null);
  }

  async findStored(changes: readonly Change[]): Promise<readonly boolean[]> {
    const { rows } = await this.#reads.query<StoredRow>({ ...findStored, values: storedValues(changes) });
    return storedChanges(changes, rows);
  }

  async readMessages(asked: readonly MessagePlace[]): Promise<readonly (Message | null)[]> {
    const { rows } = await this.#reads.query<MessageRow & { place: number }>({
      ...readMessages,
      values: [asked.map((each) => each.conversationId), asked.map((each) => each.seq)],
    });
    const found = new Map(rows.map((row) => [row.place, toMessage(row)]));
    return asked.map((_, index) => found.get(index + 1) ?? null);
  }
}

function toState(row: LoadedRow): ConversationState {
  const { seq, rev, membersRev, lastMessageAtUs } = toHead(row);
  return {
    id: row.id,
    type: row.type,
    isActive: row.is_active,
    members: new Map(toMembers(row).map((member) => [member.userId, withoutMarks(member)])),
    permissions: permissionsOf(row.metadata.toString()),
    membersRev,
    seq,
    rev,
    lastSentAtUs: lastMessageAtUs ?? 0,
  };
}

function toContact(row: ContactRow): Contact {
  return {
    userId: row.user_id,
    hasBlocked: row.has_blocked,
    isBlocked: row.is_blocked,
    isKnown: row.is_known,
    staysOutUntilUs: toUsOrNull(row.stays_out_until),
  };
}

function toKeyUses(row: LoadedRow): readonly SentKey[] {
  return (row.key_senders ?? []).map((senderId, index) => {
    const [deviceTag, clientRandom] = row.key_values[index]!.split(" ").map(Number);
    return {
      senderId,
      clientRandom: clientRandom!,
      deviceTag: deviceTag!,
      seq: Number(row.key_seqs[index]),
      sentAtUs: toUs(row.key_times[index]!),
    };
  });
}
