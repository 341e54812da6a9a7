import type { ConversationState } from "../core/conversations/conversation.ts";
import type { Message } from "../core/messages/message.ts";
import { type KeyUse, RecentKeys } from "../core/messages/recent-keys.ts";
import type { ActorReads, KeyQuestion, MessagePlace } from "../core/ports/store.ts";
import type { ReadPool } from "./database.ts";
import {
  type MemberColumns,
  type MessageRow,
  membersLateral,
  messageColumns,
  toMembers,
  toMessage,
  toUs,
} from "./rows.ts";

/** Keys that an actor remembers, and how many of them it is loaded with. */
const rememberedKeys = 256;
const loadedKeys = 128;

const loadConversations = {
  name: "load-conversations",
  text: `
select c.id, c.type, c.is_active, h.seq, h.rev, h.members_rev, h.last_message_at, members.*, keys.*
from unnest($1::uuid[]) asked(id)
cross join lateral (select * from conversations where id = asked.id limit 1) c
cross join lateral (select * from conversation_heads where conversation_id = c.id limit 1) h
${membersLateral}
cross join lateral (
  select array_agg(sender_id::text order by seq) as key_senders, array_agg(dedup_key::text order by seq) as key_values,
    array_agg(seq::text order by seq) as key_seqs, array_agg(sent_at::text order by seq) as key_times
  from messages where conversation_id = c.id and seq > h.seq - ${loadedKeys} and dedup_key is not null) keys`,
};

const findKeys = {
  name: "find-keys",
  text: `
select asked.conversation_id as "conversationId", asked.sender_id as "senderId", asked.key as "clientRandom", m.seq, m.sent_at
from unnest($1::uuid[], $2::uuid[], $3::int8[]) asked(conversation_id, sender_id, key)
cross join lateral (
  select seq, sent_at from messages
  where conversation_id = asked.conversation_id and sender_id = asked.sender_id and dedup_key = asked.key limit 1) m`,
};

const readMessages = {
  name: "read-messages",
  text: `
select asked.place, ${messageColumns}
from unnest($1::uuid[], $2::int8[]) with ordinality asked(conversation_id, seq, place)
cross join lateral (
  select * from messages where conversation_id = asked.conversation_id and seq = asked.seq limit 1) m`,
};

const findStored = { name: "find-stored", text: "select id from messages where id = any ($1::uuid[])" };

interface LoadedRow extends MemberColumns {
  readonly id: string;
  readonly type: "direct" | "group";
  readonly is_active: boolean;
  readonly seq: number;
  readonly rev: number;
  readonly members_rev: number;
  readonly last_message_at: string | null;
  readonly key_senders: readonly string[] | null;
  readonly key_values: readonly string[];
  readonly key_seqs: readonly string[];
  readonly key_times: readonly string[];
}

/** What actors and lanes read of the log. One query each. */
export class PostgresActorReads implements ActorReads {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async loadConversations(ids: readonly string[]): Promise<readonly ConversationState[]> {
    const { rows } = await this.#reads.query<LoadedRow>({ ...loadConversations, values: [ids] });
    return rows.map(toState);
  }

  async findKeys(questions: readonly KeyQuestion[]): Promise<readonly (KeyQuestion & KeyUse)[]> {
    const { rows } = await this.#reads.query<KeyQuestion & { seq: number; sent_at: string }>({
      ...findKeys,
      values: [
        questions.map((each) => each.conversationId),
        questions.map((each) => each.senderId),
        questions.map((each) => each.clientRandom),
      ],
    });
    return rows.map(({ sent_at, ...found }) => ({ ...found, sentAtUs: toUs(sent_at) }));
  }

  async findStored(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.#reads.query<{ id: string }>({ ...findStored, values: [ids] });
    return new Set(rows.map((row) => row.id));
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
  return {
    id: row.id,
    type: row.type,
    isActive: row.is_active,
    members: new Map(toMembers(row).map((member) => [member.userId, member])),
    keys: toKeys(row),
    membersRev: row.members_rev,
    seq: row.seq,
    rev: row.rev,
    lastSentAtUs: row.last_message_at === null ? 0 : toUs(row.last_message_at),
  };
}

function toKeys(row: LoadedRow): RecentKeys {
  const keys = new RecentKeys({ capacity: rememberedKeys });
  row.key_senders?.forEach((senderId, index) => {
    keys.remember(senderId, Number(row.key_values[index]), {
      seq: Number(row.key_seqs[index]),
      sentAtUs: toUs(row.key_times[index]!),
    });
  });
  return keys;
}
