import { describe, expect, test } from "bun:test";
import { runCommand } from "../src/testing/command.ts";
import { PostgresListener } from "../src/testing/postgres-listener.ts";

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
