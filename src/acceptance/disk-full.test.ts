import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import type { Place } from "../testing/clients/people.ts";
import { eventually, reaches } from "../testing/eventually.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { askOutside } from "../testing/processes/outside.ts";
import { freePort, serverCommand, startServer } from "../testing/processes/server.ts";
import { SmallDisk } from "../testing/processes/small-disk.ts";

const timeoutMs = 300_000;

interface Line {
  readonly level: string;
  readonly event?: string;
  readonly reason?: string;
}

/** Somebody who sends without an end, one after the other. */
class Sender {
  readonly conversationId: string;
  readonly statuses = new Map<number, number>();
  acknowledged = 0;
  readonly #messages: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #size: number;
  #isStopped = false;

  private constructor(
    place: Place,
    given: { conversationId: string; headers: Record<string, string>; size: number },
  ) {
    this.conversationId = given.conversationId;
    this.#messages = `${place.url}/api/v1/conversations/${given.conversationId}/messages`;
    this.#headers = given.headers;
    this.#size = given.size;
  }

  static async of(place: Place, size = 10): Promise<Sender> {
    const headers = { authorization: `Bearer ${await place.token(newId())}` };
    const body = JSON.stringify({ type: "direct", other_user_id: newId() });
    const made = await fetch(`${place.url}/api/v1/conversations`, { method: "POST", headers, body });
    const { data } = (await made.json()) as { data: { id: string } };
    return new Sender(place, { conversationId: data.id, headers, size });
  }

  async send(): Promise<number> {
    const body = JSON.stringify({ content: "x".repeat(this.#size) });
    const { status } = await fetch(this.#messages, { method: "POST", headers: this.#headers, body });
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status === 201) this.acknowledged++;
    return status;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) if ((await this.send()) !== 201) await Bun.sleep(20);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async lastSeq(): Promise<number> {
    const page = await fetch(`${this.#messages}?limit=1`, { headers: this.#headers });
    const { data } = (await page.json()) as { data: { seq: number }[] };
    return data[0]?.seq ?? 0;
  }
}

async function readiness(url: string) {
  const response = await fetch(`${url}/ready`);
  const body = (await response.json()) as {
    status: string;
    checks: Record<string, { status: string; reason?: string }>;
  };
  return { code: response.status, ...body };
}

describe("C2: statements that fail as they do on a machine in trouble", () => {
  let server: InProcess;
  let adminPort: number;

  beforeAll(async () => {
    adminPort = await freePort();
    server = await startInProcess({ ADMIN_PORT: String(adminPort), WHISPR_COMMAND_DEADLINE: "2s" });
    await storing("null");
    await askOutside(
      server.databaseUrl,
      "create trigger storing before insert on messages for each row execute function storing()",
    );
  }, timeoutMs);
  afterAll(() => server[Symbol.asyncDispose]());

  /** What happens to each message that is to be stored. */
  const storing = (statement: string) =>
    askOutside(
      server.databaseUrl,
      `create or replace function storing() returns trigger language plpgsql as $$ begin ${statement}; return new; end $$`,
    );

  /** Every message that is to be stored fails with this SQLSTATE, until the result is disposed of. */
  async function failing(sqlState: string, message: string): Promise<AsyncDisposable> {
    await storing(`raise exception using errcode = '${sqlState}', message = '${message}'`);
    return { [Symbol.asyncDispose]: async () => void (await storing("null")) };
  }

  const linesOf = (event: string) =>
    server.complaints.map((line) => JSON.parse(line) as Line).filter((line) => line.event === event);

  async function counted(event: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return Number(new RegExp(`^whispr_errors_total\\{event="${event}"\\} (\\d+)$`, "m").exec(text)?.[1]);
  }

  test.each([
    ["53100", "could not extend file", "disk_full", "disk"],
    ["58030", "could not write block", "store_damaged", "database"],
    ["53200", "out of shared memory", "store_out_of_memory", "database"],
    ["25006", "cannot execute INSERT in a read-only transaction", "store_read_only", "database"],
  ] as const)(
    "%s (%s) under load is one line of %s at error in 10 s, a metric, a degraded probe, and over with the next write",
    async (sqlState, message, event, check) => {
      const sender = await Sender.of(server);
      const others = await Promise.all(Array.from({ length: 5 }, () => Sender.of(server)));
      expect(await sender.send()).toBe(201);
      {
        await using _ = await failing(sqlState, message);
        const statuses = await Promise.all([sender, ...others].map((each) => each.send()));
        // Nothing was stored, for certain; or its time was over while it was not known.
        for (const status of statuses) expect([503, 504]).toContain(status);
        expect(await counted(event)).toBeGreaterThan(1);
        expect(linesOf(event)).toMatchObject([{ level: "error", reason: expect.stringContaining(message) }]);
        expect(await readiness(server.url)).toMatchObject({
          code: 200,
          status: "degraded",
          checks: { [check]: { status: "degraded", reason: expect.stringContaining(message) } },
        });
      }
      await eventually("a message to be stored", async () => (await sender.send()) === 201);
      expect(await readiness(server.url)).toMatchObject({ code: 200, status: "ready" });
      // What was answered `outcome_unknown` may be there too.
      expect(await sender.lastSeq()).toBeGreaterThanOrEqual(sender.acknowledged);
      expect(linesOf("internal_error")).toEqual([]);
    },
    timeoutMs,
  );
});

describe("C2: a disk that is really full (where this machine lets us mount one)", () => {
  const directory = mkdtempSync(join(tmpdir(), "whispr-full-"));
  let keys: TestKeys;
  beforeAll(async () => {
    keys = await testKeys();
  });
  afterAll(() => {
    keys.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  test(
    "loses nothing that was acknowledged, is said at error and by the probe, and goes on by itself once there is room",
    async () => {
      if (!SmallDisk.isPossible) return console.log("NOT RUN: this machine lets nobody mount a small disk");
      const disk = new SmallDisk({ directory: join(directory, "disk"), sizeMib: 260 });
      const port = await freePort();
      await using server = await startServer({
        arguments: ["serve"],
        command: disk.commandOf(serverCommand()),
        environment: { WHISPR_DATA_DIR: join(disk.directory, "data"), JWT_PUBLIC_KEYS_FILE: keys.jwksFile },
        port,
      });
      disk.attach(server.pid);
      const place = { url: server.url, token: keys.token };
      const senders = await Promise.all(Array.from({ length: 4 }, () => Sender.of(place, 20_000)));
      disk.fill(12);
      const running = senders.map((each) => each.run());
      const lines = (event: string) =>
        server.output().match(new RegExp(`^.*"event":"${event}".*$`, "gm")) ?? [];
      await eventually("it to be said", () => lines("disk_full").length > 0);
      expect(lines("disk_full")[0]).toContain('"level":"error"');
      await eventually("the probe to say it", async () => (await readiness(place.url)).status !== "ready");
      expect((await readiness(place.url)).checks.disk).toMatchObject({ status: "degraded" });

      disk.free();
      await eventually(
        "it to be ready",
        async () => (await readiness(place.url)).status === "ready",
        120_000,
      );
      const before = senders.map(({ acknowledged }) => acknowledged);
      await Promise.all(
        senders.map((each, index) => reaches("messages", () => each.acknowledged, before[index]! + 5)),
      );
      for (const each of senders) each.stop();
      await Promise.all(running);
      for (const each of senders) expect(await each.lastSeq()).toBeGreaterThanOrEqual(each.acknowledged);
      expect(lines("internal_error")).toEqual([]);
      const loud = server.output().match(/^.*"level":"(warn|error)".*$/gm) ?? [];
      expect(loud.length).toBeLessThan(100);
    },
    timeoutMs,
  );
});
