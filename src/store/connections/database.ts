import pg from "pg";
import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { withPasswordFile } from "./password-file.ts";
import { pgAddressOf } from "./pg-address.ts";
import { sessionSetUp } from "./session-settings.ts";

/** How to reach PostgreSQL. */
export interface DatabaseSettings {
  readonly url: string;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** `pg` would read instants into a Date and lose the microseconds, and 64-bit integers into strings. */
const parsers = new Map<number, (text: string) => unknown>([
  [20, Number],
  [1184, (text) => text],
  [1114, (text) => text],
]);

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    (format !== "binary" && parsers.get(oid)) ||
    pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser,
};

/** What a connection is for; `pg_stat_activity` shows it. */
export type Purpose =
  | "lane"
  | "reads"
  | "owner"
  | "blocks"
  | "migrate"
  | "check"
  | "admin"
  | "backup"
  | "start";

type ConnectionSettings = Omit<DatabaseSettings, "poolSize">;

function clientConfig(settings: ConnectionSettings, purpose: Purpose): pg.ClientConfig {
  const { connectTimeoutMs, statementTimeoutMs } = settings;
  return {
    ...withPasswordFile(pgAddressOf(settings.url)),
    application_name: `whispr-msg ${purpose}`,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs === 0 ? 0 : statementTimeoutMs + 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types,
  };
}

/**
 * Makes a new connection a session of ours. Rejects with what the server says, or when it does not answer in time. A time of the role or of
 * the address may end the statement that lifts it: that one is sent again.
 */
async function setUp(client: pg.ClientBase, settings: ConnectionSettings): Promise<void> {
  const { url, statementTimeoutMs, connectTimeoutMs } = settings;
  const keepsSearchPath = /search[_-]path/i.test(parseDatabaseUrl(url).options ?? "");
  const text = sessionSetUp({ statementTimeoutMs, keepsSearchPath });
  const endMs = performance.now() + connectTimeoutMs;
  for (;;) {
    try {
      return void (await client.query(timed({ text }, connectTimeoutMs)));
    } catch (error) {
      const isEnded = isServerError(error) && error.code === queryCanceled;
      if (!isEnded || performance.now() > endMs) throw error;
    }
  }
}

/** A query that is given up after `timeoutMs`, whatever the connection's own time is. */
export function timed(query: pg.QueryConfig, timeoutMs: number): pg.QueryConfig {
  const withTimeout: pg.QueryConfig & Pick<pg.ClientConfig, "query_timeout"> = {
    ...query,
    query_timeout: timeoutMs,
  };
  return withTimeout;
}

/** A pool for reads. Lost connections are replaced; `onError` hears of those that were lost while idle. */
export function openPool(settings: DatabaseSettings, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(settings, "reads"),
    max: settings.poolSize,
    onConnect: (client) =>
      setUp(client, settings).catch((cause: unknown) => {
        throw new StoreUnavailable({ cause });
      }),
  });
  pool.on("error", onError);
  return pool;
}

/** Reads on a pool, with the error of the port: the store being out of reach is no bug. */
export class ReadPool {
  readonly #pool: Pick<pg.Pool, "query">;

  constructor(options: { readonly pool: Pick<pg.Pool, "query"> }) {
    this.#pool = options.pool;
  }

  async query<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    try {
      return await this.#pool.query<Row>(query);
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

/** Returns the error of the port for a failed query; an error of the statement itself as it is. */
export function asStoreError(error: unknown): unknown {
  if (!isServerError(error)) return new StoreUnavailable({ cause: error });
  if (error.code === queryCanceled) return new StoreTimedOut({ cause: error });
  return passing.test(error.code ?? "") ? new StoreUnavailable({ cause: error }) : error;
}

/** What a statement ends with that runs for longer than `statement_timeout`. */
const queryCanceled = "57014";

/** No bug of the statement: a standby, a serialization failure, no memory or disk, a lock or the time that was not had. */
const passing = /^(25006|40|53|55|57|58)/;

/**
 * One connection of its own. `onLost` is called once, however it ends, unless it was ended by `end()`. A server that is being stopped may
 * accept a connection and end it in the same breath: that one was never open.
 */
export async function openClient(
  settings: ConnectionSettings,
  purpose: Purpose,
  onLost: (error: Error) => void,
): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(settings, purpose));
  let isOpen = false;
  let lostBy = null as Error | null;
  const lost = (error: Error) => {
    if (lostBy) return;
    lostBy = error;
    if (isOpen) onLost(error);
  };
  client.on("error", lost);
  client.on("end", () => lost(new Error("the connection was closed")));
  await client.connect();
  try {
    await setUp(client, settings);
  } catch (error) {
    destroy(client);
    throw lostBy ?? error;
  }
  if (lostBy) throw lostBy;
  isOpen = true;
  return client;
}

/** Does one piece of work on a connection of its own, which ends with it. `statementTimeoutMs` 0: it may take any time. */
export async function withClient<T>(
  settings: ConnectionSettings,
  purpose: Purpose,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await openClient(settings, purpose, () => {});
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Whether the server itself refused the statement: nothing of it was done. Anything else leaves the outcome open. A server tells the
 * severity in its own language, so the codes that never end a session or a server count by themselves.
 */
export function isServerError(error: unknown): error is pg.DatabaseError {
  if (!(error instanceof pg.DatabaseError)) return false;
  const { code = "", severity } = error;
  return (
    alwaysError.test(code) || (severity === "ERROR" && !code.startsWith("57P") && !code.startsWith("08"))
  );
}

const alwaysError = /^(0A|2[1236]|25006|40|42|54|55|57014|P0)/;

/** Closes the connection without a word to the server, which may no longer listen. */
export function destroy(client: pg.Client): void {
  (
    client as pg.Client & { readonly connection: { readonly stream: { destroy(): void } } }
  ).connection.stream.destroy();
}
