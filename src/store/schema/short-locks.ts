import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { MigrationRefusal } from "./migration-history.ts";

/** Who asks for a table that is locked waits behind us: not longer than this, and then not again for a while. */
const attemptMs = 300;
const pauseMs = 700;

export interface LockOptions {
  readonly tables: readonly string[];
  /** Waits and retries are over then. */
  readonly withinMs: number;
  /** Hears of each attempt that failed, and who has the locks. */
  readonly onWait: (text: string) => void;
}

/**
 * Does the work in one transaction that has the tables for itself. The locks are had within 300 ms or given up, so that others are not
 * held up behind a reader that takes long (`pg_dump`), and are tried for again a little later.
 * @throws MigrationRefusal when they were not had in time; nothing is changed then
 */
export async function withShortLocks(
  client: pg.ClientBase,
  options: LockOptions,
  work: () => Promise<void>,
): Promise<void> {
  const endMs = performance.now() + options.withinMs;
  const tables = await existing(client, options.tables);
  for (;;) {
    if (await attempt(client, tables, work)) return;
    const holders = await holdersOf(client, tables);
    if (performance.now() + pauseMs > endMs) throw notHad(tables, holders, options.withinMs);
    options.onWait(`waits for ${tables.join(", ")}${holders}`);
    await delay(pauseMs);
  }
}

async function attempt(
  client: pg.ClientBase,
  tables: readonly string[],
  work: () => Promise<void>,
): Promise<boolean> {
  await client.query("begin");
  try {
    await client.query(
      `set local lock_timeout = '${attemptMs}ms'; set local statement_timeout = '${attemptMs}ms'`,
    );
    // All of them in one statement: the time is for all together.
    if (tables.length > 0) await client.query(`lock table ${tables.join(", ")} in access exclusive mode`);
    await client.query("set local statement_timeout = 0");
    await work();
    await client.query("commit");
    return true;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    if (isOfLocks(error)) return false;
    throw error;
  }
}

function isOfLocks(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["55P03", "57014", "40P01"].includes(code);
}

async function existing(client: pg.ClientBase, names: readonly string[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select name from unnest($1::text[]) with ordinality asked(name, place)
     join pg_class on pg_class.oid = to_regclass(quote_ident(name)) and relkind in ('r', 'p') order by place`,
    [names],
  );
  return rows.map(({ name }) => name);
}

/** In words: the sessions that have them longest. Who they are is hidden from a role that may not see it. */
async function holdersOf(client: pg.ClientBase, tables: readonly string[]): Promise<string> {
  const { rows } = await client.query<{ holder: string }>(
    `select coalesce(nullif(application_name, ''), usename, 'a session') || ' (pid ' || pid
       || coalesce(', ' || extract(epoch from now() - xact_start)::int || ' s in its transaction', '') || ')' as holder
     from pg_stat_activity where pid <> pg_backend_pid() and pid in (
       select pid from pg_locks where granted and relation in (
         select relid from unnest($1::text[]) name cross join lateral pg_partition_tree(to_regclass(quote_ident(name)))
         union all select to_regclass(quote_ident(name)) from unnest($1::text[]) name))
     order by xact_start nulls last limit 3`,
    [tables],
  );
  return rows.length === 0 ? "" : `, which others have: ${rows.map(({ holder }) => holder).join(", ")}`;
}

function notHad(tables: readonly string[], holders: string, withinMs: number): MigrationRefusal {
  return new MigrationRefusal(
    `${tables.join(", ")} could not be locked within ${Math.round(withinMs / 1_000)} s${holders}. End those sessions, or wait for them, and run this again: it goes on where it stopped.`,
  );
}
