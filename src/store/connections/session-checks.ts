import type pg from "pg";
import { withClient } from "./database.ts";
import { sessionDifferences } from "./session-settings.ts";

/** Something that a session of ours lacks, in words with the way out. `isFatal`: whoever serves all the same breaks promises or fails. */
export interface SessionProblem {
  readonly text: string;
  readonly isFatal: boolean;
}

type Check = (client: pg.Client) => Promise<readonly SessionProblem[]>;

const timesMs = { connectTimeoutMs: 5_000, statementTimeoutMs: 10_000 };

/** Connections beside those for reads: lane, owner, listener, and a command line beside the server. */
const otherConnections = 6;

/** Returns what keeps sessions at this address from serving well. `poolSize`: connections for reads. Rejects when there is none. */
export async function findSessionProblems(url: string, poolSize: number): Promise<readonly SessionProblem[]> {
  const shared = await findSharedSessions(url);
  return shared ? [shared] : findLacks(url, poolSize);
}

/** As `findSessionProblems`, where each connection is known to be a session of its own. */
export function findLacks(url: string, poolSize: number): Promise<readonly SessionProblem[]> {
  return withClient({ url, ...timesMs }, "check", async (client) => {
    const found: SessionProblem[] = [];
    for (const check of [differences, readOnly, privileges, functions, connectionsFor(poolSize)])
      found.push(...(await check(client)));
    return found;
  });
}

/**
 * Returns a problem when two connections are one session to PostgreSQL: a pooler gives each transaction to whichever session is free. Then
 * neither settings, locks nor prepared statements belong to the connection that made them. Null: each has its own.
 */
export function findSharedSessions(url: string): Promise<SessionProblem | null> {
  return withClient({ url, ...timesMs }, "check", async (one) => {
    const before = await sessionOf(one);
    const isShared = await withClient({ url, ...timesMs }, "check", async (other) => {
      await other.query("begin");
      const taken = await sessionOf(other);
      const after = await sessionOf(one);
      await other.query("rollback");
      return taken === before || after !== before;
    });
    return isShared ? { text: sharedText, isFatal: true } : null;
  });
}

const sharedText =
  "A pooler gives each transaction to another session (pool_mode = transaction or statement), but settings, locks and LISTEN belong to a session. Name PostgreSQL itself in DATABASE_URL, or set pool_mode = session.";

async function sessionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]!.pid;
}

const differences: Check = async (client) => {
  const { rows } = await client.query<{ name: string; wanted: string; actual: string }>(sessionDifferences());
  return rows.map(({ name, wanted, actual }) => ({
    text: `${name} is ${actual} and could not be set to ${wanted}: take it from the role and the database (alter role … reset ${name}).`,
    isFatal: true,
  }));
};

const readOnly: Check = async (client) => {
  const { rows } = await client.query<{ read_only: string }>(
    "select current_setting('transaction_read_only') as read_only where not pg_is_in_recovery()",
  );
  const text =
    "The database or the role is set to be read only: alter database … reset default_transaction_read_only, and alter role alike.";
  return rows[0]?.read_only === "on" ? [{ text, isFatal: true }] : [];
};

/** Of the tables that are there; whether one may be made matters to who migrates. */
const privileges: Check = async (client) => {
  const { rows } = await client.query<{ name: string; missing: string }>(`
    select t.relname as name, string_agg(p.name, ', ' order by p.place) as missing
    from pg_class t
    cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) with ordinality p (name, place)
    where t.relnamespace = (select relnamespace from pg_class where oid = to_regclass('conversation_heads'))
      and t.relname in (${ourTables.map((name) => `'${name}'`).join(", ")}) and t.relkind in ('r', 'p')
      and not has_table_privilege(t.oid, p.name)
    group by t.relname order by t.relname`);
  if (rows.length === 0) return [];
  const tables = rows.map(({ name, missing }) => `${name} (${missing})`).join(", ");
  return [
    { text: `This role may not use ${tables}: grant it to the role, or own the tables.`, isFatal: true },
  ];
};

/** What is read and written while serving. */
export const ourTables = [
  "conversations",
  "conversation_members",
  "conversation_heads",
  "conversation_ownership",
  "conversation_settings",
  "delivery_statuses",
  "device_cursors",
  "devices",
  "direct_pairs",
  "message_reactions",
  "messages",
  "own_revs",
  "store_generation",
  "untagged_keys",
  "user_last_seen",
];

/** By these a restored or promoted database is recognised. Everybody may call them, unless somebody took that away. */
const functions: Check = async (client) => {
  const { rows } = await client.query<{ name: string }>(`
    select f as name from unnest(array['pg_control_system()', 'pg_walfile_name(pg_lsn)', 'pg_current_wal_lsn()']) f
    where not has_function_privilege(f, 'execute')`);
  return rows.map(({ name }) => ({
    text: `This role may not call ${name}: grant execute on function ${name} to it.`,
    isFatal: true,
  }));
};

const connectionsFor =
  (poolSize: number): Check =>
  async (client) => {
    const { rows } = await client.query<{ allowed: number }>(`
      select least(
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
          - coalesce(current_setting('reserved_connections', true)::int, 0),
        nullif((select datconnlimit from pg_database where datname = current_database()), -1),
        nullif((select rolconnlimit from pg_roles where rolname = current_user), -1)) as allowed`);
    const needed = poolSize + otherConnections;
    const { allowed } = rows[0]!;
    if (allowed >= needed) return [];
    const text = `PostgreSQL allows ${allowed} connections here, and this server may need ${needed}: lower DB_POOL_SIZE, or raise max_connections (or the limit of the role or database).`;
    return [{ text, isFatal: false }];
  };
