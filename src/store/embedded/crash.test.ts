import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { eventually } from "../../testing/eventually.ts";
import { paced } from "../../testing/pace.ts";
import { EmbeddedOwner } from "../../testing/processes/embedded-owner.ts";
import { signalAll } from "./holders.ts";

const base = mkdtempSync(join(tmpdir(), "whispr-crash-"));
const timeoutMs = 180_000;
const directory = await EmbeddedOwner.template(base);
/** On an idle machine. */
const backWithinMs = 3_000;
afterAll(() => rmSync(base, { recursive: true, force: true }), 180_000);

test(
  "after a kill -9 of the owner the next start ends the orphan and has every acknowledged row",
  async () => {
    const killed = await EmbeddedOwner.start(directory("orphan"));
    const writer = await Writer.start(killed);
    await writer.wrote(200);
    await killed.kill();
    await writer.stop();
    expect(killed.postgresPids()).not.toEqual([]);
    await using next = await EmbeddedOwner.start(killed.dataDir);
    expect(next.started?.tookMs).toBeLessThan(paced(backWithinMs));
    expect(next.count("log")).toBe(1);
    expect(await writer.missingAt(next)).toBe(0);
  },
  timeoutMs,
);

test(
  "a stopped (SIGSTOP) orphan does not stand in the way",
  async () => {
    const killed = await EmbeddedOwner.start(directory("stopped"));
    const writer = await Writer.start(killed);
    await writer.wrote(50);
    await killed.kill();
    signalAll(killed.postgresPids(), "SIGSTOP");
    await using next = await EmbeddedOwner.start(killed.dataDir);
    await writer.stop();
    expect(next.started?.tookMs).toBeLessThan(paced(backWithinMs));
    expect(await writer.missingAt(next)).toBe(0);
  },
  timeoutMs,
);

test(
  "after a kill -9 of everything under load a start reads the WAL again and has every acknowledged row",
  async () => {
    const killed = await EmbeddedOwner.start(directory("everything"));
    const writer = await Writer.start(killed);
    await writer.wrote(500);
    await killed.killWithDescendants();
    await writer.stop();
    await using next = await EmbeddedOwner.start(killed.dataDir);
    expect(next.started?.tookMs).toBeLessThan(paced(backWithinMs));
    expect(await writer.missingAt(next)).toBe(0);
  },
  timeoutMs,
);

test(
  "a kill -9 of the postmaster with busy backends is over in seconds",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("postmaster"));
    const writer = await Writer.start(owner);
    const busy = await Promise.all([keepBusy(owner), keepBusy(owner)]);
    await writer.wrote(100);
    const killedMs = performance.now();
    process.kill(owner.postmasterPid, "SIGKILL");
    await eventually("it accepts connections again", () => owner.count("up") === 1);
    expect(performance.now() - killedMs).toBeLessThan(paced(backWithinMs));
    await Promise.all([...busy.map(({ over }) => over), writer.stop()]);
    expect(owner.count("down")).toBe(1);
    expect(await writer.missingAt(owner)).toBe(0);
  },
  timeoutMs,
);

test(
  "killed again and again, it comes back each time",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("again"));
    for (let round = 1; round <= 4; round++) {
      process.kill(owner.postmasterPid, "SIGKILL");
      await eventually("it accepts connections again", () => owner.count("up") === round);
      expect(await owner.ask("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    }
  },
  timeoutMs,
);

test(
  "a kill -9 of one backend costs only the connections",
  async () => {
    await using owner = await EmbeddedOwner.start(directory("backend"));
    const writer = await Writer.start(owner);
    const busy = await keepBusy(owner);
    await writer.wrote(100);
    const { postmasterPid } = owner;
    process.kill(busy.pid, "SIGKILL");
    await busy.over;
    // How long it reads its WAL again is PostgreSQL's own.
    await eventually("it answers", () =>
      owner.ask("SELECT 1").then(
        () => true,
        () => false,
      ),
    );
    await writer.stop();
    expect(owner.postmasterPid).toBe(postmasterPid);
    expect(owner.count("down")).toBe(0);
    expect(await writer.missingAt(owner)).toBe(0);
  },
  timeoutMs,
);

test(
  "a stop while it is being started again ends it all the same",
  async () => {
    const owner = await EmbeddedOwner.start(directory("both"));
    process.kill(owner.postmasterPid, "SIGKILL");
    await owner.say("stop");
    expect(owner.count("stopped")).toBe(1);
    expect(owner.postgresPids()).toEqual([]);
  },
  timeoutMs,
);

/** Inserts numbers, one after the other, and remembers which were acknowledged. */
class Writer {
  #acknowledged = 0;
  #client: pg.Client;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(url: string) {
    this.#client = new pg.Client(url);
    this.#client.on("error", () => {});
  }

  static async start(owner: EmbeddedOwner): Promise<Writer> {
    const writer = new Writer(owner.url);
    await writer.#client.connect();
    await writer.#client.query("CREATE TABLE numbers (n int PRIMARY KEY, filling text)");
    writer.#running = writer.#write();
    return writer;
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#client.query("INSERT INTO numbers VALUES ($1, repeat('x', 2000))", [
          this.#acknowledged + 1,
        ]);
      } catch {
        return;
      }
      this.#acknowledged++;
    }
  }

  wrote(rows: number): Promise<void> {
    return eventually(`${rows} rows are written`, () => this.#acknowledged >= rows);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#client.end().catch(() => {});
  }

  async missingAt(owner: EmbeddedOwner): Promise<number> {
    const [row] = await owner.ask<{ found: number }>(
      `SELECT count(*)::int AS found FROM numbers WHERE n <= ${this.#acknowledged}`,
    );
    return this.#acknowledged - (row?.found ?? 0);
  }
}

/** A backend in a loop that looks at nothing else: it does not notice that its postmaster is gone. */
async function keepBusy(owner: EmbeddedOwner): Promise<{ pid: number; over: Promise<void> }> {
  const client = new pg.Client(owner.url);
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const over = client.query("DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$").then(
    () => {},
    () => {},
  );
  return { pid: rows[0]?.pid ?? 0, over };
}
