import type pg from "pg";
import type { Event } from "../core/events.ts";
import { messageTypes } from "../core/messages/message.ts";
import { shardOf } from "../core/ports/ownership.ts";
import type { AppendOutcome, Change, CommitPort } from "../core/ports/store.ts";
import { byteaArray, int2Array, int8Array, timestamptzArray, uuidArray } from "./binary-array.ts";
import { type DatabaseSettings, destroy, isServerError, openClient } from "./database.ts";

/**
 * Fence, then heads, then everything that has a rev joins the heads that moved: the order that was proved against all interleavings
 * with take-overs (one statement, READ COMMITTED). The fence never looks at a clock. The insert reads the release of old keys, so that
 * it comes after it.
 */
const statement = (releases: boolean) => `
with fence as materialized (
  select o.shard from conversation_ownership o
  join unnest($1::int2[], $2::int8[]) h(shard, epoch) on o.shard = h.shard and o.epoch = h.epoch
  order by o.shard for key share of o skip locked
),
heads as (
  update conversation_heads h set seq = u.seq, rev = u.rev, last_message_at = u.last_message_at
  from unnest($3::uuid[], $4::int8[], $5::int8[], $6::int8[], $7::timestamptz[]) u(id, prev_rev, rev, seq, last_message_at)
  where h.conversation_id = u.id and h.rev = u.prev_rev and (select count(*) from fence) = cardinality($1::int2[])
  returning h.conversation_id
),${releases ? releasedCte : ""}
stored as (
  insert into messages
    (id, conversation_id, seq, rev, sender_id, message_type, content, metadata, client_random, dedup_key, sent_at)
  select m.id, m.conversation_id, m.seq, m.rev, m.sender_id, m.message_type, m.content, m.metadata, m.client_random,
    m.client_random, m.sent_at
  from unnest($8::uuid[], $9::uuid[], $10::int8[], $11::int8[], $12::uuid[], $13::int2[], $14::bytea[], $15::bytea[],
    $16::int8[], $17::timestamptz[])
    m(id, conversation_id, seq, rev, sender_id, message_type, content, metadata, client_random, sent_at)
  join heads on heads.conversation_id = m.conversation_id${releases ? "\n  where (select count(*) from released) >= 0" : ""}
)
select
  case when (select count(*) from fence) = cardinality($1::int2[]) then null
    else (select coalesce(array_agg(shard), '{}') from fence) end as held,
  case when (select count(*) from heads) = cardinality($3::uuid[]) then null
    else (select coalesce(array_agg(conversation_id::text), '{}') from heads) end as moved`;

const releasedCte = `
released as (
  update messages m set dedup_key = null
  from unnest($18::uuid[], $19::int8[]) r(conversation_id, seq) join heads on heads.conversation_id = r.conversation_id
  where m.conversation_id = r.conversation_id and m.seq = r.seq
  returning 1
),`;

const plain = { name: "append", text: statement(false) };
const releasing = { name: "append-releasing", text: statement(true) };

/** The lane's writer: one connection of its own, reopened when it was lost. */
export class PostgresCommit implements CommitPort {
  readonly #settings: DatabaseSettings;
  readonly #onLost: (error: Error) => void;
  #client: pg.Client | null = null;

  constructor(options: { readonly settings: DatabaseSettings; readonly onLost: (error: Error) => void }) {
    this.#settings = options.settings;
    this.#onLost = options.onLost;
  }

  async append(changes: readonly Change[], epochOf: (shard: number) => number): Promise<AppendOutcome> {
    const batch = columnsOf(changes, epochOf);
    let client: pg.Client;
    try {
      client = this.#client ?? (await this.#open());
      this.#client = client;
    } catch (error) {
      return { type: "again", error };
    }
    try {
      const query = batch.releases ? releasing : plain;
      const result = await client.query<AppendRow>({ ...query, values: batch.values });
      return outcomeOf(result.rows[0]!, batch);
    } catch (error) {
      const outcome = failureOf(error);
      if (outcome.type !== "refused") this.#drop(client);
      return outcome;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #open(): Promise<pg.Client> {
    const client: pg.Client = await openClient(this.#settings, "lane", (error) => {
      if (this.#client !== client) return;
      this.#client = null;
      this.#onLost(error);
    });
    return client;
  }

  /** Also one on which nothing can be written: after a failover it may lead to a standby. */
  #drop(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
    destroy(client);
  }
}

interface AppendRow {
  readonly held: readonly number[] | null;
  readonly moved: readonly string[] | null;
}

interface Batch {
  readonly shards: readonly number[];
  readonly conversationIds: readonly string[];
  readonly releases: boolean;
  readonly values: Buffer[];
}

function outcomeOf(row: AppendRow, batch: Batch): AppendOutcome {
  if (row.held) return { type: "fenced", shards: without(batch.shards, row.held) };
  if (!row.moved) return { type: "stored", moved: none };
  return { type: "stored", moved: new Set(without(batch.conversationIds, row.moved)) };
}

const none: ReadonlySet<string> = new Set();

function without<T>(all: readonly T[], some: readonly T[]): T[] {
  const gone = new Set(some);
  return all.filter((each) => !gone.has(each));
}

/** SQLSTATE classes: 22 and 23 are about the data; a server that goes away (57P, 08, FATAL) leaves the outcome open. */
function failureOf(error: unknown): Exclude<AppendOutcome, { type: "stored" | "fenced" }> {
  if (!isServerError(error)) return { type: "unknown", error };
  const { code = "", constraint } = error;
  if (code === "23505" && constraint?.includes("dedup_key"))
    return { type: "refused", cause: "duplicate_key", error: withoutContent(error) };
  if (code.startsWith("22") || code.startsWith("23"))
    return { type: "refused", cause: "data", error: withoutContent(error) };
  return { type: "again", error };
}

/** PostgreSQL's `detail` shows the row, and with it what somebody wrote. */
function withoutContent({ code, message }: pg.DatabaseError): Error {
  return new Error(`${code}: ${message}`);
}

/** The batch as columns. */
function columnsOf(changes: readonly Change[], epochOf: (shard: number) => number): Batch {
  const heads = headsOf(changes);
  const shards = [...new Set(heads.map((head) => shardOf(head.conversationId)))];
  const events = heads.flatMap((head) => head.events);
  const released = events.filter((event) => event.releasesKeyOf !== null);
  return {
    shards,
    conversationIds: heads.map((head) => head.conversationId),
    releases: released.length > 0,
    values: [
      int2Array(shards),
      int8Array(shards.map(epochOf)),
      ...headColumns(heads),
      ...messageColumns(events),
      ...(released.length > 0 ? releasedColumns(released) : []),
    ],
  };
}

/** A conversation's head moves once per batch, from before its first change to its last. */
interface HeadMove {
  readonly conversationId: string;
  readonly prevRev: number;
  rev: number;
  readonly events: Event[];
}

/** Rows of one conversation end up side by side, which saves PostgreSQL a tenth of the insert: its index pages stay at hand. */
function headsOf(changes: readonly Change[]): readonly HeadMove[] {
  const heads = new Map<string, HeadMove>();
  for (const { conversationId, rev, events } of changes) {
    const head = heads.get(conversationId);
    if (!head) {
      heads.set(conversationId, { conversationId, prevRev: rev - 1, rev, events: [...events] });
      continue;
    }
    head.rev = rev;
    head.events.push(...events);
  }
  return [...heads.values()];
}

function headColumns(heads: readonly HeadMove[]): Buffer[] {
  const last = heads.map((head) => head.events.at(-1)!);
  return [
    uuidArray(heads.map((head) => head.conversationId)),
    int8Array(heads.map((head) => head.prevRev)),
    int8Array(heads.map((head) => head.rev)),
    int8Array(last.map((event) => event.seq)),
    timestamptzArray(last.map((event) => event.sentAtUs)),
  ];
}

function messageColumns(events: readonly Event[]): Buffer[] {
  return [
    uuidArray(events.map((event) => event.id)),
    uuidArray(events.map((event) => event.conversationId)),
    int8Array(events.map((event) => event.seq)),
    int8Array(events.map((event) => event.rev)),
    uuidArray(events.map((event) => event.senderId)),
    int2Array(events.map((event) => messageTypes.indexOf(event.messageType))),
    byteaArray(events.map((event) => event.content)),
    byteaArray(events.map((event) => event.metadata)),
    int8Array(events.map((event) => event.clientRandom)),
    timestamptzArray(events.map((event) => event.sentAtUs)),
  ];
}

function releasedColumns(events: readonly Event[]): Buffer[] {
  return [
    uuidArray(events.map((event) => event.conversationId)),
    int8Array(events.map((event) => event.releasesKeyOf)),
  ];
}
