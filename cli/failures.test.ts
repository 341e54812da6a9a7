import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { type TestKeys, testKeys } from "../src/testing/builders/tokens.ts";
import { eventually } from "../src/testing/eventually.ts";
import { type Ended, runCommand } from "../src/testing/processes/command.ts";
import { type TestDatabase, testDatabase } from "../src/testing/processes/database.ts";
import { outsideClient } from "../src/testing/processes/outside.ts";
import { PostgresListener } from "../src/testing/processes/postgres-listener.ts";
import { freePort, startServer } from "../src/testing/processes/server.ts";

/** What can be foreseen ends every command with a sentence and its way out, never with a stack. */

const directory = mkdtempSync(join(tmpdir(), "whispr-failures-"));
const someId = "0198c0de-0000-7000-8000-00000000a11c";
let keys: TestKeys;
beforeAll(async () => {
  keys = await testKeys();
});
afterAll(() => {
  keys.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const commands = [
  ["serve"],
  ["migrate", "up"],
  ["migrate", "status"],
  ["migrate", "down"],
  ["doctor"],
  ["admin", "new-generation"],
  ["admin", "inspect", "user", someId],
] as const;

function run(command: readonly string[], environment: Record<string, string>): Promise<Ended> {
  const ports = { PORT: "0", ADMIN_PORT: "0", WHISPR_DATA_DIR: join(directory, "none") };
  return runCommand(command, { ...ports, JWT_PUBLIC_KEYS_FILE: keys.jwksFile, ...environment });
}

function expectSentence({ code, out, err }: Ended, text: RegExp | string): void {
  expect(out + err).toMatch(text);
  expect(out + err).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
}

describe.each([
  ["28P01", "the password is wrong", "refuses the password; check the user and password"],
  ["28000", "pg_hba.conf has no entry", "how they connect; check the user"],
  ["3D000", "the database does not exist", "the database does not exist; create it"],
  ["53300", "too many connections", "no connection left; lower DB_POOL_SIZE"],
  ["57P03", "the database system is starting up", "starting, stopping or recovering; try again"],
  ["53200", "out of memory", "no memory left; give"],
  ["58030", "could not read a file", "cannot read or write its files; look into its log"],
  ["42704", "unrecognized configuration parameter", "does not accept a setting; check options"],
])("PostgreSQL refuses with %s: %s", (code, message, text) => {
  test("every command says so in a sentence", async () => {
    await using listener = await PostgresListener.start({ host: "127.0.0.1", port: 0 });
    listener.refusal = [code, message];
    const DATABASE_URL = `postgres://ada:pw@127.0.0.1:${listener.port}/x`;
    for (const command of code === "28P01" ? commands : commands.slice(0, 5)) {
      const ended = await run(command, { DATABASE_URL });
      expectSentence(ended, text);
      expect(ended.out + ended.err).toContain(message);
    }
  }, 120_000);
});

test.each(commands.map((command) => [command.join(" "), command] as const))(
  "%s says that nothing listens on a Unix socket, in a sentence",
  async (_, command) => {
    const ended = await run(command, { DB_HOST: join(directory, "nowhere"), DB_NAME: "x" });
    expectSentence(ended, "no PostgreSQL listens on that Unix socket; check DATABASE_URL");
  },
);

describe("on a database of one's own", () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await testDatabase();
    client = await outsideClient(database.url);
  });
  afterAll(async () => {
    await client.end();
    await database.close();
  });

  test("a role that may not create in schema public is told what to grant", async () => {
    const role = `limited_${process.pid}`;
    await client.query(`create role ${role} login password 'x'; revoke create on schema public from public`);
    const url = new URL(database.url);
    url.username = role;
    url.password = "x";
    const ended = await run(["migrate", "up"], { DATABASE_URL: url.href });
    await client.query(`drop role ${role}`);
    expectSentence(ended, "this user lacks a right; grant it");
  });

  test("a role that may not use the tables, or their schema, is told what to grant", async () => {
    const role = `stranger_${process.pid}`;
    expect((await run(["migrate", "up"], { DATABASE_URL: database.url })).code).toBe(0);
    await client.query(`create role ${role} login password 'x'`);
    const url = new URL(database.url);
    url.username = role;
    url.password = "x";
    const environment = { DATABASE_URL: url.href };
    const tables = await run(["migrate", "status"], environment);
    await client.query("revoke usage on schema public from public");
    const ofSchema = [];
    for (const command of [["migrate", "status"], ["migrate", "up"], ["doctor"], ["serve"]])
      ofSchema.push(await run(command, environment));
    url.searchParams.set("options", "-csearch_path=public");
    for (const command of [["migrate", "status"], ["serve"]])
      ofSchema.push(await run(command, { DATABASE_URL: url.href }));
    await client.query(`grant usage on schema public to public; drop role ${role}`);
    expect((await run(["migrate", "down", "--to", "0", "--yes"], { DATABASE_URL: database.url })).code).toBe(
      0,
    );
    await client.query("drop table schema_migrations");
    expectSentence(tables, "on all tables in schema public to");
    for (const ended of ofSchema) expectSentence(ended, "grant usage on schema public to");
  }, 60_000);

  test("what a role may not call or write is told by doctor, and by serve as it starts", async () => {
    const role = `half_${process.pid}`;
    expect((await run(["migrate", "up"], { DATABASE_URL: database.url })).code).toBe(0);
    await client.query(`create role ${role} login password 'x';
      grant select on all tables in schema public to ${role};
      revoke execute on function pg_control_system() from public`);
    const url = new URL(database.url);
    url.username = role;
    url.password = "x";
    const environment = { DATABASE_URL: url.href, JWT_PUBLIC_KEYS_FILE: keys.jwksFile };
    const told = await run(["doctor"], environment);
    const port = await freePort();
    const server = await startServer({ arguments: ["serve"], environment, port, waitFor: "live" });
    await eventually("it says so", () => /grant execute on function/.test(server.output()));
    await server.end("SIGTERM");
    await client.query(`grant execute on function pg_control_system() to public; drop owned by ${role}`);
    await client.query(`drop role ${role}`);
    expect((await run(["migrate", "down", "--to", "0", "--yes"], { DATABASE_URL: database.url })).code).toBe(
      0,
    );
    await client.query("drop table schema_migrations");
    for (const text of [told.out, server.output()]) {
      expect(text).toContain("grant execute on function pg_control_system()");
      expect(text).toContain("messages (INSERT, UPDATE, DELETE)");
    }
    expect(server.output()).toContain('"level":"warn"');
    expect(server.output()).toContain('"msg":"database_session_lacks"');
  }, 60_000);

  test("options that the server does not take are named as the cause", async () => {
    const url = new URL(database.url);
    url.searchParams.set("options", "project=ours");
    for (const command of [["migrate", "status"], ["doctor"], ["serve"]])
      expectSentence(await run(command, { DATABASE_URL: url.href }), "check options in DATABASE_URL");
  });

  test("a database that can only be read is named as such", async () => {
    const { rows } = await client.query("select current_database() as name");
    await client.query(`alter database ${rows[0].name} set default_transaction_read_only = on`);
    const ended = await run(["migrate", "up"], { DATABASE_URL: database.url });
    await client.query(`alter database ${rows[0].name} reset default_transaction_read_only`);
    expectSentence(ended, "can only be read");
  });

  test.each(commands.map((command) => [command.join(" "), command] as const))(
    "%s refuses a history of migrations that another program keeps",
    async (_, command) => {
      await client.query(
        "create table if not exists schema_migrations (version bigint, inserted_at timestamp)",
      );
      const ended = await run(command, { DATABASE_URL: database.url });
      expectSentence(ended, "schema_migrations of this database is another program's");
    },
  );
});

describe("a data directory that cannot be", () => {
  const file = join(directory, "a file");
  writeFileSync(file, "");

  test.each([
    ["/proc/nope", "cannot be used (ENOENT)"],
    [file, "is not a directory"],
    [join(file, "below"), "is not a directory"],
  ])(
    "%s is refused with the way out by what would make it, and doctor says so before",
    async (dataDir, text) => {
      for (const command of [["serve"], ["dev"], ["migrate", "up"]]) {
        const ended = await run(command, { WHISPR_DATA_DIR: dataDir });
        expectSentence(ended, /Set WHISPR_DATA_DIR to a directory that this user can write/);
        expect(ended.err).toContain(text);
      }
      expectSentence(
        await run(["doctor"], { WHISPR_DATA_DIR: dataDir }),
        /fail +data directory .*set WHISPR_DATA_DIR/,
      );
    },
    120_000,
  );
});
