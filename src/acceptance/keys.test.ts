import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { eventually } from "../testing/eventually.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** The executable and the keys of an auth service that is not there yet, fails, and changes its keys. */

const timeoutMs = 180_000;
const alice = "0198c0de-0000-7000-8000-00000000a11c";
const directory = mkdtempSync(join(tmpdir(), "whispr-keys-"));
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
}, timeoutMs);
afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Issuer {
  readonly jwk: Record<string, unknown>;
  token(): Promise<string>;
}

/** A key that is always called "main". */
async function issuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "main", alg: "ES256", use: "sig" };
  const token = () =>
    new SignJWT({ sub: alice, iss: "whispr-auth", aud: "whispr" })
      .setProtectedHeader({ alg: "ES256", kid: "main" })
      .setExpirationTime("1h")
      .sign(privateKey);
  return { jwk, token };
}

/** Without keys a process is alive and not ready: its callers wait for neither. */
async function serve(environment: Readonly<Record<string, string>>) {
  const [port, adminPort] = [await freePort(), await freePort()];
  const server = await startServer({
    arguments: ["serve"],
    environment: {
      DATABASE_URL: database.url,
      WHISPR_AUTO_MIGRATE: "1",
      LOG_FORMAT: "json",
      ADMIN_PORT: `${adminPort}`,
      ...environment,
    },
    port,
    waitFor: "live",
  });
  const figures = async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  return { server, figures };
}

async function statusOf(server: ServerProcess, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${server.url}/api/v1/conversations`, { headers })).status;
}

const readiness = (server: ServerProcess) => fetch(`${server.url}/ready`);
const isReady = async (server: ServerProcess) => (await readiness(server)).ok;

function warnings(server: ServerProcess, event: string): readonly string[] {
  return server.output().match(new RegExp(`^.*"${event}".*$`, "gm")) ?? [];
}

describe("with JWT_JWKS_URL", () => {
  test(
    "is not ready until the keys were read once, says why, stays ready when the source fails later, and follows a rotation under the same key id",
    async () => {
      const [first, second] = [await issuer(), await issuer()];
      let answer = (): Response => new Response("not here", { status: 404 });
      using source = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => answer() });
      await using running = new AsyncDisposableStack();
      const { server, figures } = await serve({ JWT_JWKS_URL: `${source.url}jwks.json` });
      running.use(server);

      await eventually("the failure to be reported", () => warnings(server, "keys_read_failed").length > 0);
      const refused = await readiness(server);
      expect(refused.status).toBe(503);
      expect(await refused.text()).toContain("JWT_JWKS_URL: answered with status 404");
      expect(await statusOf(server, await first.token())).toBe(503);
      expect(warnings(server, "keys_read_failed")).toHaveLength(1);
      expect(await figures()).toMatch(/^whispr_keys_age_seconds [1-9\d.]/m);
      expect(await figures()).toMatch(/^whispr_warnings_total\{event="keys_read_failed"\} 1$/m);
      expect(await figures()).toMatch(/^whispr_ready 0$/m);

      answer = () => Response.json({ keys: [{ kty: "oct", kid: "odd" }, first.jwk] });
      await eventually("it to be ready", () => isReady(server));
      expect(await statusOf(server, await first.token())).toBe(200);
      expect(warnings(server, "keys_ignored")[0]).toContain(String.raw`key \"odd\": key type`);

      answer = () => new Response("down", { status: 502 });
      const rotated = await second.token();
      await eventually("the source to be asked again", async () => {
        await statusOf(server, rotated);
        return warnings(server, "keys_read_failed").length === 2;
      });
      expect(await isReady(server)).toBe(true);
      expect(await statusOf(server, await first.token())).toBe(200);

      answer = () => Response.json({ keys: [second.jwk] });
      await eventually(
        "the key of the same id to be used",
        async () => (await statusOf(server, rotated)) === 200,
      );
      expect(await statusOf(server, await first.token())).toBe(401);
      expect(warnings(server, "keys_ignored")).toHaveLength(1);
    },
    timeoutMs,
  );
});

describe("with JWT_PUBLIC_KEYS_FILE", () => {
  test(
    "is not ready while the file is missing or empty, and ready once it holds keys",
    async () => {
      const key = await issuer();
      const path = join(directory, "keys.json");
      await using running = new AsyncDisposableStack();
      const { server } = await serve({ JWT_PUBLIC_KEYS_FILE: path });
      running.use(server);

      const reported = (reason: string) => () =>
        warnings(server, "keys_read_failed").some((line) => line.includes(reason));
      await eventually("the missing file to be reported", reported("ENOENT"));
      expect(await isReady(server)).toBe(false);
      writeFileSync(path, "");
      await eventually("the empty file to be reported", reported("is empty"));
      expect(await isReady(server)).toBe(false);
      writeFileSync(path, JSON.stringify({ keys: [key.jwk] }));
      await eventually("it to be ready", () => isReady(server));
      expect(await statusOf(server, await key.token())).toBe(200);
    },
    timeoutMs,
  );
});
