import type pg from "pg";
import { formatInstant } from "../core/instant.ts";
import { timed, withClient } from "./database.ts";

/** What became of the store's generation. */
export interface GenerationCheck {
  readonly generation: number;
  /** The database has another history than when it was last looked at: it was restored, or a standby was promoted. */
  readonly isNew: boolean;
}

/** Which PostgreSQL this is, and on which timeline: the first 8 of the 24 digits of a WAL file's name. */
const present = `
select system_identifier::text as "systemIdentifier",
  ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int8 as timeline
from pg_control_system()`;

const known = `
select generation, system_identifier as "systemIdentifier", timeline from store_generation`;

/** One statement for all of it: whoever finds the new generation finds every head as it was restored. */
const renew = `
with renewed as (
  update store_generation set generation = generation + 1, system_identifier = $1, timeline = $2, started_at = $3
  returning generation
),
restored as (update conversation_heads set restored_rev = rev where exists (select from renewed))
select generation from renewed`;

const fillIn = "update store_generation set system_identifier = $1, timeline = $2";

interface Place {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

interface KnownRow {
  readonly generation: number;
  readonly systemIdentifier: string | null;
  readonly timeline: number | null;
}

/**
 * Whether the database is still the one that it was. Asked by who has just become the only writer, so that the heads stand still.
 * A database that was never looked at is told what it is.
 */
export async function checkGeneration(client: pg.ClientBase, atUs: number): Promise<GenerationCheck> {
  const place = (await client.query<Place>(present)).rows[0]!;
  const row = (await client.query<KnownRow>(known)).rows[0]!;
  const generation = Number(row.generation);
  if (row.systemIdentifier === null) {
    await client.query(fillIn, [place.systemIdentifier, place.timeline]);
    return { generation, isNew: false };
  }
  if (row.systemIdentifier === place.systemIdentifier && Number(row.timeline) === Number(place.timeline))
    return { generation, isNew: false };
  return { generation: await startGeneration(client, place, atUs), isNew: true };
}

/** Begins a new generation by hand, after a restore that the database itself cannot tell: a disk snapshot. Answers its number. */
export async function newGeneration(url: string, atUs: number): Promise<number> {
  const settings = { url, connectTimeoutMs: 5_000, statementTimeoutMs: 0 };
  return withClient(settings, "admin", async (client) => {
    const place = (await client.query<Place>(present)).rows[0]!;
    return startGeneration(client, place, atUs);
  });
}

/** Writes every head once (1 s for 100,000), however short the time of other statements is. */
async function startGeneration(client: pg.ClientBase, place: Place, atUs: number): Promise<number> {
  const values = [place.systemIdentifier, place.timeline, formatInstant(atUs)];
  await client.query("begin");
  try {
    await client.query("set local statement_timeout = 0; set local enable_seqscan = on");
    const query = timed({ text: renew, values }, longestRenewalMs);
    const { rows } = await client.query<{ generation: number }>(query);
    const done = await client.query("commit");
    if (done.command !== "COMMIT") throw new Error("the new generation was not stored");
    return Number(rows[0]!.generation);
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

const longestRenewalMs = 10 * 60_000;
