import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { makeHostile } from "./hostile-settings.ts";
import { askOutside } from "./outside.ts";

/** A URL of a PostgreSQL whose user may create databases. The test runner sets it for the whole run. */
export const testDatabaseVariable = "WHISPR_TEST_DATABASE_URL";

/** Set: every database of the run has settings of its own wherever they could matter to us. */
const hostileVariable = "WHISPR_TEST_HOSTILE";

export interface TestPostgres {
  readonly url: string;
  /** Ends the server and removes its directory. Happens by itself when this process ends. */
  close(): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  /** Ends every connection to it and drops it. */
  close(): Promise<void>;
}

/**
 * One PostgreSQL in a new directory, as durable as the real one: the embedded one, or the one that is installed. For the runner, or for
 * who needs one alone.
 */
export async function startTestPostgres(kind: "embedded" | "stock" = "embedded"): Promise<TestPostgres> {
  const script = join(import.meta.dir, "postgres-process.ts");
  const child = Bun.spawn([process.execPath, script, kind], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    detached: true,
  });
  child.unref();
  const url = await firstLine(child.stdout);
  if (url === "") throw new Error("the PostgreSQL for the tests did not start");
  const close = async () => {
    await child.stdin.end();
    await child.exited;
  };
  return { url, close };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0] ?? "";
}

let own: Promise<TestPostgres> | undefined;

/** A new, empty database of the run's PostgreSQL; without one (a test file run alone) one is started and ends with this process. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env[testDatabaseVariable] ?? (await ownPostgres()).url;
  const name = `whispr_test_${randomBytes(8).toString("hex")}`;
  await askServer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (process.env[hostileVariable]) await makeHostile(url.href);
  return { url: url.href, close: () => askServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

function ownPostgres(): Promise<TestPostgres> {
  own ??= startTestPostgres();
  return own;
}

async function askServer(url: string, text: string): Promise<void> {
  await askOutside(url, text);
}
