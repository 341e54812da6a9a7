import pg from "pg";
import { StoreUnavailable } from "../core/ports/store.ts";

/** How to reach PostgreSQL. `url` wins over the parts. */
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

/**
 * Generic plans: planning over the partitions of the log costs as much as a page of history itself (1 ms of 2). They are made once
 * per connection, perhaps while the tables are empty, when a scan looks cheap: every statement here looks up by key, so scans are off
 * (27,000 messages/s instead of 12,000 after 50,000 conversations were added before the next ANALYZE).
 */
const sessionOptions = [
  "-c TimeZone=UTC",
  "-c DateStyle=ISO",
  "-c client_encoding=UTF8",
  // The order of the batch statement was proved for this one.
  "-c default_transaction_isolation=read\\ committed",
  // Whatever is changed on the server while we run: an acknowledgement means flushed.
  "-c synchronous_commit=on",
  "-c client_connection_check_interval=2000",
  // A machine that is gone says no goodbye: without these its session would keep the lock for two hours (Linux' own keepalive).
  "-c tcp_keepalives_idle=5",
  "-c tcp_keepalives_interval=2",
  "-c tcp_keepalives_count=3",
  "-c tcp_user_timeout=10000",
  // The owner's connection is idle by nature.
  "-c idle_session_timeout=0",
  "-c plan_cache_mode=force_generic_plan",
  "-c enable_seqscan=off",
].join(" ");

function clientConfig(settings: DatabaseSettings, name: string): pg.ClientConfig {
  return {
    ...addressOf(settings.url),
    application_name: `whispr-msg ${name}`,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    statement_timeout: settings.statementTimeoutMs,
    lock_timeout: settings.statementTimeoutMs,
    query_timeout: settings.statementTimeoutMs + 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types,
  };
}

/** `pg` would let the options of an address replace ours: they come before, so that ours win. */
function addressOf(url: string): Pick<pg.ClientConfig, "connectionString" | "options"> {
  if (!/[?&]options=/.test(url)) return { connectionString: url, options: sessionOptions };
  const address = new URL(url);
  const options = `${address.searchParams.get("options")} ${sessionOptions}`;
  address.searchParams.delete("options");
  return { connectionString: address.href, options };
}

/** A pool for reads. Lost connections are replaced; `onError` hears of those that were lost while idle. */
export function openPool(settings: DatabaseSettings, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({ ...clientConfig(settings, "reads"), max: settings.poolSize });
  pool.on("error", onError);
  return pool;
}

/** Reads on a pool, with the error of the port: the store being out of reach is no bug. */
export class ReadPool {
  readonly #pool: pg.Pool;

  constructor(options: { readonly pool: pg.Pool }) {
    this.#pool = options.pool;
  }

  async query<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    try {
      return await this.#pool.query<Row>(query);
    } catch (error) {
      throw isServerError(error) && !passing.test(error.code ?? "")
        ? error
        : new StoreUnavailable({ cause: error });
    }
  }
}

/** No bug of the statement: a standby, a serialization failure, no memory or disk, a lock or the time that was not had. */
const passing = /^(25006|40|53|55|57|58)/;

/**
 * One connection of its own. `onLost` is called once, however it ends, unless it was ended by `end()`. A server that is being stopped may
 * accept a connection and end it in the same breath: that one was never open.
 */
export async function openClient(
  settings: DatabaseSettings,
  name: string,
  onLost: (error: Error) => void,
): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(settings, name));
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
  if (lostBy) throw lostBy;
  isOpen = true;
  return client;
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
