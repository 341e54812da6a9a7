import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../src/testing/processes/command.ts";
import { PostgresListener } from "../src/testing/processes/postgres-listener.ts";

const base = mkdtempSync(join(tmpdir(), "wa-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const anyPort = { host: "127.0.0.1", port: 0 };
const status = ["migrate", "status"];

describe("TLS that is asked for", () => {
  test.each(["verify", "no-verify"])(
    "by DB_SSL=%s beside DATABASE_URL never ends in plaintext",
    async (mode) => {
      await using listener = await PostgresListener.start(anyPort);
      const environment = { DATABASE_URL: `postgres://ada:pw@127.0.0.1:${listener.port}/x`, DB_SSL: mode };
      for (const command of [status, ["doctor"], ["migrate", "up"], ["admin", "new-generation"]]) {
        const { code, out, err } = await runCommand(command, environment);
        expect(code).toBe(1);
        expect(out + err).toContain("PostgreSQL has no TLS there");
      }
      expect(listener.attempts.length).toBeGreaterThanOrEqual(4);
      expect(listener.attempts).toEqual(
        listener.attempts.map(() => ({ asksForTls: true, startup: null, password: null })),
      );
    },
  );

  test("by PGSSLMODE, or by a flag's address, does not either", async () => {
    await using listener = await PostgresListener.start(anyPort);
    const url = `postgres://ada:pw@127.0.0.1:${listener.port}/x`;
    await runCommand(status, { DATABASE_URL: url, PGSSLMODE: "require" });
    await runCommand([...status, "--database-url", url], { DB_SSL: "verify" });
    await runCommand(status, {
      DB_HOST: "127.0.0.1",
      DB_PORT: `${listener.port}`,
      DB_NAME: "x",
      DB_SSL: "verify",
    });
    expect(listener.attempts.map(({ asksForTls, startup }) => ({ asksForTls, startup }))).toEqual(
      Array.from({ length: 3 }, () => ({ asksForTls: true, startup: null })),
    );
  });

  test("and contradicted is refused with 2 before anything is connected", async () => {
    await using listener = await PostgresListener.start(anyPort);
    const url = `postgres://ada:pw@127.0.0.1:${listener.port}/x?sslmode=disable`;
    const { code, err } = await runCommand(status, { DATABASE_URL: url, DB_SSL: "verify" });
    expect(code).toBe(2);
    expect(err).toContain("DATABASE_URL and DB_SSL differ: set only one of them.");
    expect(listener.attempts).toEqual([]);
  });
});

describe("what PostgreSQL receives is what was set", () => {
  const account = { user: "ada@corp:é/%", password: "p@:/ %#?&+=é😀'\\", database: "my data/x?#%é" };

  test.each(["DB_*", "DATABASE_URL"])("by %s, on a Unix socket", async (way) => {
    const directory = join(base, `${way.length} ä %2F:é`);
    mkdirSync(directory, { recursive: true });
    await using listener = await PostgresListener.start({ path: join(directory, ".s.PGSQL.5433") });
    const [host, user, password, database] = [directory, account.user, account.password, account.database];
    const byParts = {
      DB_HOST: host,
      DB_PORT: "5433",
      DB_USERNAME: user,
      DB_PASSWORD: password,
      DB_NAME: database,
    };
    const [h, u, p, d] = [host, user, password, database].map(encodeURIComponent);
    const byUrl = { DATABASE_URL: `postgres://${u}:${p}@${h}:5433/${d}` };
    const { code, err } = await runCommand(status, way === "DB_*" ? byParts : byUrl);
    expect(err).toContain(`${directory}/.s.PGSQL.5433`);
    expect(code).toBe(1);
    expect(listener.attempts).toMatchObject([{ asksForTls: false, startup: { user, database }, password }]);
  });

  test.each(["::1", "[::1]"])("by DB_HOST=%s", async (host) => {
    await using listener = await PostgresListener.start({ host: "::1", port: 0 });
    const environment = { DB_HOST: host, DB_PORT: `${listener.port}`, DB_NAME: "x", DB_PASSWORD: "pw" };
    const { err } = await runCommand(status, environment);
    expect(err).toContain(`[::1]:${listener.port}/x: PostgreSQL refuses the password`);
    expect(listener.attempts).toMatchObject([
      { startup: { user: "postgres", database: "x" }, password: "pw" },
    ]);
  });
});
