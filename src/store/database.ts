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
  "-c client_connection_check_interval=2000",
  "-c plan_cache_mode=force_generic_plan",
  "-c enable_seqscan=off",
].join(" ");

function clientConfig(settings: DatabaseSettings, name: string): pg.ClientConfig {
  return {
    connectionString: settings.url,
    application_name: `whispr-msg ${name}`,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    statement_timeout: settings.statementTimeoutMs,
    lock_timeout: settings.statementTimeoutMs,
    query_timeout: settings.statementTimeoutMs + 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types,
    options: sessionOptions,
  };
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
      throw isServerError(error) && error.code !== statementTimedOut
        ? error
        : new StoreUnavailable({ cause: error });
    }
  }
}

const statementTimedOut = "57014";

/** One connection of its own. `onLost` is called once, however it ends. */
export async function openClient(
  settings: DatabaseSettings,
  name: string,
  onLost: (error: Error) => void,
): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(settings, name));
  let isOver = false;
  const lost = (error: Error) => {
    if (isOver) return;
    isOver = true;
    onLost(error);
  };
  client.on("error", lost);
  client.on("end", () => lost(new Error("the connection was closed")));
  try {
    await client.connect();
  } catch (error) {
    isOver = true;
    throw error;
  }
  return client;
}

/** Whether the server itself refused the statement: nothing of it was done. Anything else leaves the outcome open. */
export function isServerError(error: unknown): error is pg.DatabaseError {
  if (!(error instanceof pg.DatabaseError) || error.severity !== "ERROR") return false;
  return !error.code?.startsWith("57P") && !error.code?.startsWith("08");
}

/** Closes the connection without a word to the server, which may no longer listen. */
export function destroy(client: pg.Client): void {
  (
    client as pg.Client & { readonly connection: { readonly stream: { destroy(): void } } }
  ).connection.stream.destroy();
}
