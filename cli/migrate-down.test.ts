import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate, migrationStatus } from "../src/store/schema/migrator.ts";
import { testKeys } from "../src/testing/builders/tokens.ts";
import { type Ended, runCommand } from "../src/testing/processes/command.ts";
import { type TestDatabase, testDatabase } from "../src/testing/processes/database.ts";
import { outsideClient } from "../src/testing/processes/outside.ts";
import { freePort, serverCommand, startServer } from "../src/testing/processes/server.ts";

/** I15: what destroys asks first, shows what goes, and does nothing under a server. On the executable. */

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
}, 120_000);
afterAll(() => database.close(), 120_000);

const environment = () => ({ DATABASE_URL: database.url });
const applied = async () =>
  (await migrationStatus({ url: database.url })).filter(({ appliedAt }) => appliedAt !== null).length;

/** Runs a command at a terminal; `answer` is typed once it asks. What is shown, without colours and carriage returns. */
async function atTerminal(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
  answer: string,
): Promise<{ readonly code: number; readonly shown: string }> {
  let shown = "";
  let isAnswered = false;
  const decoder = new TextDecoder();
  const child = Bun.spawn([...serverCommand(), ...args], {
    env: { PATH: process.env.PATH ?? "", TERM: "dumb", ...variables },
    terminal: {
      data(terminal, chunk) {
        shown += decoder.decode(chunk, { stream: true });
        if (isAnswered || !shown.includes("Type yes")) return;
        isAnswered = true;
        terminal.write(answer);
      },
    },
  });
  const code = await child.exited;
  return { code, shown: shown.replaceAll("\r", "") };
}

describe("migrate down", () => {
  let before: number;
  beforeEach(async () => {
    await migrate({ url: database.url, direction: "up" });
    before = await applied();
  }, 120_000);
  const down = (...more: string[]): Promise<Ended> =>
    runCommand(["migrate", "down", "--to", "0", ...more], environment());

  test("--dry-run shows what would be dropped and how much it holds, and changes nothing", async () => {
    const client = await outsideClient(database.url);
    await client.query(
      "insert into user_last_seen (user_id, at) select gen_random_uuid(), now() from generate_series(1, 1200)",
    );
    await client.end();
    const { code, out } = await down("--dry-run");
    expect(code).toBe(0);
    expect(out).toContain(`${new URL(database.url).pathname.slice(1)}: migrate down undoes ${before}_`);
    expect(out).toMatch(/WHAT +ROWS +SIZE\n/);
    expect(out).toMatch(/table user_last_seen +1,200 +\d+ kB\n/);
    expect(out).toMatch(/table messages +0 +\d+ kB\n/);
    expect(out).toMatch(/Users notice:\n- .*become plain members of it/);
    const json = JSON.parse((await down("--dry-run", "--json")).out);
    expect(json.steps.at(-1)).toEqual({ version: 1, name: "talk" });
    expect(json.losses).toContainEqual(
      expect.objectContaining({ table: "user_last_seen", column: null, where: null, rows: 1_200 }),
    );
    expect(json.consequences).toContainEqual(expect.stringContaining("become plain members"));
    expect(json.others).toEqual([]);
    expect(await applied()).toBe(before);
  }, 120_000);

  test("without a terminal nothing happens unless --yes says so", async () => {
    const { code, out, err } = await down();
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/table messages +0 +\d/);
    expect(err).toContain(
      "whispr-msg: Undo these migrations? Nothing was changed, because there is no terminal to ask at. Add --yes to agree in advance.\n",
    );
    expect(await applied()).toBe(before);
    const done = await down("--yes");
    expect([done.code, await applied()]).toEqual([0, 0]);
    expect(done.out).toContain("down 1_talk");
    expect((await down()).out).toBe("nothing to do\n");
  }, 120_000);

  test("--json tells what went", async () => {
    const { code, out } = await runCommand(["migrate", "down", "--yes", "--json"], environment());
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      done: [{ version: before, direction: "down" }],
      losses: expect.any(Array),
    });
  }, 120_000);

  test.each([
    ["no\r", 1],
    ["\r", 1],
    ["y\r", 1],
    ["\u0004", 1],
    ["\u0003", 1],
  ])(
    "at a terminal, %j leaves everything as it is",
    async (answer, expected) => {
      const { code, shown } = await atTerminal(["migrate", "down"], environment(), answer);
      expect([code, await applied()]).toEqual([expected, before]);
      expect(shown).toContain("Undo these migrations? Type yes to continue: ");
      expect(shown).toContain("Nothing was changed.");
    },
    120_000,
  );

  test("at a terminal, yes takes the step back", async () => {
    const { code, shown } = await atTerminal(["migrate", "down"], environment(), "yes\r");
    expect([code, await applied()]).toEqual([0, before - 1]);
    expect(shown).toContain(`down ${before}_`);
  }, 120_000);

  test("is refused with 3 while a server runs, with --yes too, and the server goes on", async () => {
    const keys = await testKeys();
    const port = await freePort();
    await using server = await startServer({
      arguments: ["serve"],
      environment: { ...environment(), JWT_PUBLIC_KEYS_FILE: keys.jwksFile },
      port,
    });
    const startedMs = performance.now();
    for (const more of [[], ["--yes"]]) {
      const { code, err, out } = await down(...more);
      expect([code, out]).toEqual([3, ""]);
      expect(err).toStartWith("whispr-msg: A whispr-msg is connected to this database: the owner");
      expect(err).toContain("Nothing was changed. Stop every whispr-msg that serves on it or stands by");
    }
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    const dry = await down("--dry-run");
    expect([dry.code, await applied()]).toEqual([0, before]);
    expect(dry.out).toContain("It is refused while this is connected: the owner");
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
    expect(await server.end("SIGTERM")).toMatchObject({ code: 0 });
    expect((await down("--yes")).code).toBe(0);
    keys.dispose();
  }, 180_000);
});

test("dev --reset asks before it removes the embedded database, and says how large it is", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "whispr-reset-"));
  const variables = { WHISPR_DATA_DIR: dataDir, HOST: "127.0.0.1", ADMIN_PORT: "0" };
  const port = await freePort();
  try {
    // There is nothing to be asked about yet.
    const first = await startServer({ arguments: ["dev", "--reset"], environment: variables, port });
    await first.end("SIGTERM");
    const kept = join(dataDir, "data", "PG_VERSION");
    const { code, err } = await runCommand(["dev", "--reset"], { ...variables, PORT: String(port) });
    expect(code).toBe(2);
    expect(err).toMatch(
      /--reset removes the embedded database in .* with all conversations and messages \(\d+(\.\d)? MB\)\. Nothing was changed/,
    );
    const asked = await atTerminal(["dev", "--reset"], { ...variables, PORT: String(port) }, "no\r");
    expect([asked.code, existsSync(kept)]).toEqual([1, true]);
    const second = await startServer({
      arguments: ["dev", "--reset", "--yes"],
      environment: variables,
      port,
    });
    expect((await second.end("SIGTERM")).code).toBe(0);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 180_000);
