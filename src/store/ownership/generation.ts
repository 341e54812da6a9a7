import type pg from "pg";
import { formatInstant } from "../../core/instant.ts";
import { timed, withClient } from "../connections/database.ts";
import { ownerLockKey } from "./owner-lock.ts";

/** The outcome of a look at the store's generation. */
export interface GenerationCheck {
  readonly generation: number;
  /** The database has another history than when it was last looked at: it was restored, copied, or a standby was promoted. */
  readonly isNew: boolean;
}

/**
 * Which database this is, and on which timeline: the first 8 of the 24 digits of a WAL file's name. The system tells a backup of the whole
 * server, and the timeline a promotion; the numbers of the database and of the table tell a restored `pg_dump` and a copy by template.
 * They outlive VACUUM FULL. A standby has no timeline of its own.
 */
const present = `
select system_identifier::text as system, system_identifier || '/' || database.oid || '/' || 'store_generation'::regclass::oid as place,
  case when not pg_is_in_recovery() then ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int8 end as timeline
from pg_control_system(), pg_database database where database.datname = current_database()`;

/** `writer`: the transaction that wrote the row. A row that was copied in has another one than it says. */
const known = `
select generation, system_identifier as identity, timeline, xmin::text as writer,
  to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since from store_generation`;

/** The row says which transaction wrote it. */
const identity = "$1 || '/' || pg_current_xact_id()::xid::text";

/** Above all that a device was told: a number is never used for two histories that devices of this database know. */
const begin = `
update store_generation set generation = greatest(generation, coalesce((select max(generation) from devices), 0)) + 1,
  system_identifier = ${identity}, timeline = $2, started_at = $3
returning generation`;

const fillIn = `update store_generation set system_identifier = ${identity}, timeline = $2`;
const addRow = "insert into store_generation (generation, started_at) values (1, $1) on conflict do nothing";
const unfinished = "update store_generation set system_identifier = 'a generation was about to begin'";

/** The owner sends it to its session again and again: it learns of a generation that was begun by somebody else, and any answer confirms the lock. */
export const currentGeneration: pg.QueryConfig = {
  name: "current-generation",
  text: "select generation from store_generation",
};

interface Place {
  readonly system: string;
  readonly place: string;
  readonly timeline: number | null;
}

interface KnownRow {
  readonly generation: number;
  readonly identity: string | null;
  readonly timeline: number | null;
  readonly writer: string;
  readonly since: string;
}

/** Whether the row was written in this database. `older`: it was, by a version before 0.4. `unknown`: the row does not say. */
type Verdict = "same" | "older" | "another" | "unknown";

/**
 * Whether the database is still the one that it was. Asked by the only writer before it serves, so that the heads stand still. A database
 * that was never looked at is told what it is; one that has devices was filled from elsewhere.
 */
export async function checkGeneration(client: pg.ClientBase, atUs: number): Promise<GenerationCheck> {
  const place = await read<Place>(client, present);
  const row = await rowOf(client, atUs);
  const generation = Number(row.generation);
  const verdict = verdictOf(row, place);
  if (verdict === "same") return { generation, isNew: false };
  if (verdict === "another" || (verdict === "unknown" && (await hasDevices(client))))
    return { generation: await startGeneration(client, place, atUs), isNew: true };
  await client.query(fillIn, [place.place, place.timeline]);
  return { generation, isNew: false };
}

function verdictOf({ identity, timeline, writer }: KnownRow, place: Place): Verdict {
  if (identity === null) return "unknown";
  if (Number(timeline) !== Number(place.timeline)) return "another";
  if (identity === place.system) return "older";
  return identity === `${place.place}/${writer}` ? "same" : "another";
}

/** There is always one: without it, nothing could be read. */
async function rowOf(client: pg.ClientBase, atUs: number): Promise<KnownRow> {
  const { rows } = await client.query<KnownRow>(known);
  if (rows[0]) return rows[0];
  await client.query(addRow, [formatInstant(atUs)]);
  await client.query(unfinished);
  return read<KnownRow>(client, known);
}

async function hasDevices(client: pg.ClientBase): Promise<boolean> {
  return (await client.query("select from devices limit 1")).rows.length > 0;
}

async function read<Row extends pg.QueryResultRow>(client: pg.ClientBase, text: string): Promise<Row> {
  return (await client.query<Row>(text)).rows[0]!;
}

export interface GenerationState {
  readonly generation: number;
  /** ISO 8601, in UTC. */
  readonly since: string;
  readonly verdict: Verdict;
}

/** Reads which generation this is, and whether the next start begins another one; null: there is none yet. */
export async function readGeneration(url: string): Promise<GenerationState | null> {
  const settings = { url, connectTimeoutMs: 5_000, statementTimeoutMs: 10_000 };
  return withClient(settings, "check", async (client) => {
    const place = await read<Place>(client, present);
    const { rows } = await client.query<KnownRow>(known);
    const [row] = rows;
    return row
      ? { generation: Number(row.generation), since: row.since, verdict: verdictOf(row, place) }
      : null;
  });
}

/**
 * Begins a new generation by hand, after a restore that the database itself cannot tell: a disk snapshot. Returns its number. Cut short, it
 * is finished by the next process that owns the conversations, before it serves. While one serves, the heads are left as they are unless
 * this is the first restore: then more devices than need be start anew.
 */
export async function newGeneration(url: string, atUs: number): Promise<number> {
  const settings = { url, connectTimeoutMs: 5_000, statementTimeoutMs: 0 };
  return withClient(settings, "admin", async (client) => {
    const { isAlone } = await read<{ isAlone: boolean }>(
      client,
      `select pg_try_advisory_lock(${ownerLockKey}) as "isAlone"`,
    );
    const place = await read<Place>(client, present);
    const { generation } = await rowOf(client, atUs);
    if (isAlone) {
      await client.query(unfinished);
      return startGeneration(client, place, atUs);
    }
    return Number(generation) === 1
      ? startGeneration(client, place, atUs, "underServer")
      : storeGeneration(client, place, atUs);
  });
}

/**
 * First the heads as they are, some at a time, then the number: a head is served in the new generation only with its
 * own `restored_rev`, and cut short this is done again, because the row still names another database. In the first generation nothing is
 * decided by `restored_rev`; in a later one nobody may serve meanwhile.
 */
async function startGeneration(
  client: pg.ClientBase,
  place: Place,
  atUs: number,
  marking: keyof typeof markings = "alone",
): Promise<number> {
  await markHeads(client, marking);
  return storeGeneration(client, place, atUs);
}

async function storeGeneration(client: pg.ClientBase, place: Place, atUs: number): Promise<number> {
  await client.query("begin");
  try {
    await client.query("set local statement_timeout = 0; set local enable_seqscan = on");
    const values = [place.place, place.timeline, formatInstant(atUs)];
    const { rows } = await client.query<{ generation: number }>(timed({ text: begin, values }, longestMs));
    const done = await client.query("commit");
    if (done.command !== "COMMIT") throw new Error("the new generation was not stored");
    return Number(rows[0]!.generation);
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

const longestMs = 10 * 60_000;
const headBlocks = `
select (pg_relation_size('conversation_heads') / current_setting('block_size')::int)::int as blocks`;

/** By place in the file: four times as fast as by id. */
const markings = {
  alone: {
    blocks: 1_000,
    text: "update conversation_heads set restored_rev = rev where ctid >= $1::tid and ctid < $2::tid and restored_rev <> rev",
  },
  /** One that is being written is passed over, so that nobody waits for us in a circle: its mark is lower than it might be. */
  underServer: {
    blocks: 50,
    text: `update conversation_heads set restored_rev = rev where ctid = any (array(
      select ctid from conversation_heads where ctid >= $1::tid and ctid < $2::tid and restored_rev <> rev
      for no key update skip locked))`,
  },
} as const;

async function markHeads(client: pg.ClientBase, marking: keyof typeof markings): Promise<void> {
  const { blocks, text } = markings[marking];
  const { blocks: all } = await read<{ blocks: number }>(client, headBlocks);
  for (let from = 0; from < all; from += blocks)
    await client.query(text, [`(${from},0)`, `(${from + blocks},0)`]);
}
