import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { MigrationRefusal } from "../schema/migration-history.ts";
import { ownerLockKey } from "./owner-lock.ts";

/** Another whispr-msg process is connected to the database, or was up to two seconds ago. */
export class DatabaseInUse extends MigrationRefusal {}

/** The sessions of a process that was stopped end shortly after it. */
const patienceMs = 2_000;
const pollMs = 100;

/**
 * Takes the owner's advisory lock for as long as the session lives: a server that starts meanwhile stands by. Tries for two seconds, then
 * throws `DatabaseInUse` because a whispr-msg serves on the database or stands by.
 */
export async function takeOwnerLock(client: pg.ClientBase): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const others = await otherProcesses(client);
    if (others.length === 0 && (await isLocked(client))) return;
    if (performance.now() > endMs) throw inUse(others);
    await delay(pollMs);
  }
}

async function isLocked(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_try_advisory_lock(${ownerLockKey}) as locked`,
  );
  return rows[0]!.locked;
}

/**
 * Returns the other whispr-msg processes that serve or stand by, in words: one entry per client address. A role that may not see addresses
 * gets one entry for all of them.
 */
export async function otherProcesses(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ who: string }>(
    `with sessions as (
       select pid, client_addr, backend_start, application_name as name, pid in (
         select pid from pg_locks where locktype = 'advisory' and granted and objsubid = 1
           and database = (select oid from pg_database where datname = current_database())
           and (classid::int8 << 32 | objid::int8) = ${ownerLockKey}) as owns
       from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid())
     select case when bool_or(owns) then 'the owner' else 'a whispr-msg that stands by' end
       || coalesce(' at ' || host(client_addr), ' on the database''s machine')
       || ' (since ' || to_char(min(backend_start) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
       || ', PostgreSQL pids ' || string_agg(pid::text, ', ' order by owns desc, pid) || ')' as who
     from sessions where owns or (name like 'whispr-msg %' and name not in ('whispr-msg migrate', 'whispr-msg check'))
     group by client_addr order by bool_or(owns) desc, 1`,
  );
  return rows.map(({ who }) => who);
}

/** The refusal that names them. */
export function inUse(others: readonly string[]): DatabaseInUse {
  const who = others.length > 0 ? others.join("; ") : "the owner of its conversations";
  return new DatabaseInUse(
    `A whispr-msg is connected to this database: ${who}. Nothing was changed. Stop every whispr-msg that serves on it or stands by, then run this again.`,
  );
}
