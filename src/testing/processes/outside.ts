import pg from "pg";
import { sessionSetUp } from "../../store/connections/session-settings.ts";

/**
 * Connections with which tests look into a database and interfere with it. They are foreign on purpose: `pg`'s own parsers, no timeouts.
 * Their sessions have our settings all the same, so that a test reads the same on a database that sets others.
 */
const setUp = sessionSetUp({ statementTimeoutMs: 0, keepsSearchPath: true });

/** A pool whose lost connections are replaced in silence. */
export function outsidePool(url: string, max = 4): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max, onConnect: prepare });
  pool.on("error", () => {});
  return pool;
}

/** A connection, which `pg_stat_activity` shows by that name. Who ends its server or session listens for its `error`. */
export async function outsideClient(url: string, name = "a test"): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: name });
  await client.connect();
  await prepare(client);
  return client;
}

/** Asks once, on a connection of its own. */
export async function askOutside<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    await prepare(client);
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

async function prepare(client: pg.ClientBase): Promise<void> {
  await client.query(setUp);
  await client.query(
    "set enable_seqscan = on; set search_path = public; set idle_in_transaction_session_timeout = 0",
  );
}
