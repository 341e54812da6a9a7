import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../system.ts";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import {
  binaryUnderTest,
  isolatedCommand,
  isRoot,
  nobodyUid,
  openOfCheckout,
  tracesOfCheckout,
} from "../testing/processes/isolated-binary.ts";
import { processesNaming, signalAll } from "../testing/processes/processes.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** The executable alone: copied to an empty directory, without the checkout, without an environment. */

const exitCode = { usage: 2, taken: 3 };

let keys: TestKeys;
let directory: string;
let binary: string;
/** Where it is started: empty but for what a careless program would read. */
let elsewhere: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "whispr-binary-"));
  chmodSync(directory, 0o755);
  binary = join(directory, "whispr-msg");
  copyFileSync(binaryUnderTest(), binary);
  chmodSync(binary, 0o755);
  elsewhere = join(directory, "elsewhere");
  mkdirSync(elsewhere);
  chmodSync(elsewhere, 0o777);
  keys = await testKeys();
  copyFileSync(keys.jwksFile, join(directory, "jwks.json"));
}, 120_000);
afterAll(() => {
  signalAll(processesNaming(directory), "SIGKILL");
  rmSync(directory, { recursive: true, force: true });
  keys.dispose();
});

const users = isRoot ? (["root", "nobody"] as const) : (["this user"] as const);

for (const user of users) {
  describe(`the executable alone, as ${user}`, () => {
    const asNobody = user === "nobody";
    const run = (variables: Record<string, string>, ...args: string[]) => runOnce(variables, asNobody, args);

    test("is run where neither the sources nor node_modules can be reached", () => {
      expect(tracesOfCheckout(binary, asNobody)).toEqual([]);
    });

    test("tells its version", () => {
      const { code, output, tookMs } = run({}, "--version");
      console.log(`binary as ${user}: --version in ${tookMs} ms`);
      expect(output).toMatch(/^whispr-msg \d+\.\d+\.\d+ /);
      expect(code).toBe(0);
    });

    test("shows its settings, and takes none from files that happen to lie in the current directory", () => {
      const trap = join(elsewhere, "trap");
      writeFileSync(join(elsewhere, ".env"), "PORT=1234\n");
      writeFileSync(
        join(elsewhere, "trap.js"),
        `require("node:fs").writeFileSync(${JSON.stringify(trap)}, "")`,
      );
      writeFileSync(join(elsewhere, "bunfig.toml"), `preload = ["./trap.js"]\n`);
      const { code, output } = run({ HTTP_PORT: "4321" }, "config");
      expect(code).toBe(0);
      expect(output).toMatch(/PORT or HTTP_PORT\s+4321\s+HTTP_PORT/);
      expect(output).toContain("WHISPR_DATA_DIR");
      expect(output).not.toContain("1234");
      expect(existsSync(trap)).toBe(false);
      for (const name of [".env", "trap.js", "bunfig.toml"]) rmSync(join(elsewhere, name));
    });

    test("serves from an embedded database whose directory is closed to others and 120 characters long", async () => {
      const dataDir = longDirectory(user, asNobody);
      const variables = await serving(dataDir);
      const firstMs = await expectServes(variables, asNobody, 1);
      const againMs = await expectServes(variables, asNobody, 2);
      console.log(`binary as ${user}: first start in ${firstMs} ms, second in ${againMs} ms`);
      expect(processesNaming(dataDir)).toEqual([]);
    }, 180_000);

    test("refuses to serve without keys, with a cluster's settings, or with a value that is wrong", () => {
      const noKeys = run({}, "serve");
      expect(noKeys.output).toMatch(/JWT_JWKS_URL.*JWT_PUBLIC_KEYS_FILE/);
      const keysFile = { JWT_PUBLIC_KEYS_FILE: join(directory, "jwks.json") };
      const withRedis = run({ ...keysFile, REDIS_URL: "redis://127.0.0.1:6379" }, "serve");
      expect(withRedis.output).toMatch(/REDIS_URL.*cluster.*later/);
      const wrong = run({ ...keysFile, PORT: "65536", LOG_LEVEL: "loud" }, "serve");
      expect(wrong.output).toMatch(/PORT is "65536"; allowed: .*65535/);
      expect(wrong.output).toMatch(/LOG_LEVEL is "loud"; allowed: /);
      for (const refused of [noKeys, withRedis, wrong]) expect(refused.code).toBe(exitCode.usage);
    });

    test("names the port that is in use, and the data directory", async () => {
      const dataDir = longDirectory(`${user} twice`, asNobody);
      const variables = await serving(dataDir);
      const taken = createServer().listen(Number(variables.PORT), "127.0.0.1");
      await new Promise((resolve) => taken.once("listening", resolve));
      const portTaken = run(variables, "serve");
      expect(portTaken.output).toContain(`Port ${variables.PORT} on 127.0.0.1 is in use`);
      expect(portTaken.code).toBe(exitCode.taken);
      expect(processesNaming(dataDir)).toEqual([]);
      taken.close();

      const first = await start(variables, asNobody);
      const second = run({ ...variables, PORT: String(await freePort()) }, "serve");
      expect(second.output).toContain(dataDir);
      expect(second.output).toContain("another whispr-msg");
      expect(second.code).toBe(exitCode.taken);
      expect((await first.end("SIGTERM")).code).toBe(0);
    }, 180_000);
  });
}

test("with a data directory below one that others may not enter it serves, or names the directory that is in the way", async () => {
  const closed = join(directory, "closed");
  const dataDir = join(closed, "data");
  mkdirSync(dataDir, { recursive: true });
  chmodSync(closed, isRoot ? 0o700 : 0o000);
  const variables = await serving(dataDir);
  try {
    const server = await start(variables, false).catch((error: Error) => error);
    if (server instanceof Error) {
      console.log(`binary below a closed directory: ${server.message}`);
      expect(server.message).toMatch(
        new RegExp(`whispr-msg: ${closed}.*\\. .*(DATABASE_URL|WHISPR_DATA_DIR)`, "s"),
      );
    } else {
      console.log("binary below a closed directory: it serves");
      await expectTalks(server, 1);
      expect((await server.end("SIGTERM")).code).toBe(0);
    }
    expect(processesNaming(dataDir)).toEqual([]);
  } finally {
    chmodSync(closed, 0o700);
  }
}, 180_000);

/** Below the test's directory, filled up to 120 characters. */
function longDirectory(name: string, asNobody: boolean): string {
  const parent = join(directory, name.replaceAll(" ", "-"));
  const dataDir = join(parent, "d".repeat(120 - parent.length - 1));
  expect(dataDir).toHaveLength(120);
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  chmodSync(dataDir, 0o700);
  if (asNobody) chownSync(dataDir, nobodyUid, nobodyUid);
  return dataDir;
}

async function serving(dataDir: string): Promise<Record<string, string>> {
  return {
    HOST: "127.0.0.1",
    PORT: String(await freePort()),
    ADMIN_PORT: "0",
    WHISPR_DATA_DIR: dataDir,
    JWT_PUBLIC_KEYS_FILE: join(directory, "jwks.json"),
  };
}

function start(variables: Record<string, string>, asNobody: boolean): Promise<ServerProcess> {
  const command = isolatedCommand({ binary, variables, asNobody });
  const port = Number(variables.PORT);
  return startServer({ command, arguments: ["serve"], environment: {}, port, directory: elsewhere });
}

/** Starts it, talks to it and stops it. Milliseconds from the start to ready. */
async function expectServes(
  variables: Record<string, string>,
  asNobody: boolean,
  messages: number,
): Promise<number> {
  const startedMs = performance.now();
  const server = await start(variables, asNobody);
  const readyMs = Math.round(performance.now() - startedMs);
  const secrets = await expectTalks(server, messages);
  expectNamesUsers(server.output(), isRoot && !asNobody);
  expect(openOfCheckout(server.pid)).toEqual([]);
  const { code } = await server.end("SIGTERM");
  expect({ code, output: code === 0 ? "" : server.output() }).toEqual({ code: 0, output: "" });
  for (const secret of secrets) expect(server.output()).not.toContain(secret);
  return readyMs;
}

/** Whose the data is and who PostgreSQL runs as; and whether root serves, which it need not. */
function expectNamesUsers(output: string, asRoot: boolean): void {
  const [, owner, postgres] = /"directoryOwner":"([^"]+)","databaseOwner":"([^"]+)"/.exec(output) ?? [];
  expect({ owner: owner === "root (0)", apart: owner !== postgres }).toEqual({
    owner: asRoot,
    apart: asRoot,
  });
  expect(output.includes('"event":"running_as_root"')).toBe(asRoot);
}

const alice = newId();
const bob = newId();

/** A message by each way, numbers in queries validated. Gives back what no log line may hold. */
async function expectTalks({ url }: ServerProcess, messages: number): Promise<readonly string[]> {
  const token = await keys.token(alice);
  const rest = new RestClient({ url, token });
  const conversationId = await rest.createDirect(bob);
  const socket = await FrameSocket.open({ url, token });
  await socket.join(`conversation:${conversationId}`, "1");
  const content = `a secret ${newId()}`;
  const payload = JSON.stringify({ content });
  expect((await socket.push(`conversation:${conversationId}`, "1", "new_message", payload)).status).toBe(
    "ok",
  );
  expect(await rest.history(conversationId)).toHaveLength(messages);
  await expectNumbersChecked(url, token, conversationId);
  socket.close();
  return [token, content];
}

/** A build that mangles names lets these through with 200. */
async function expectNumbersChecked(url: string, token: string, conversationId: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const paths = ["0", "-5", "1.5", "abc", "", "1e1"].flatMap((limit) => [
    `/conversations?limit=${limit}`,
    `/conversations/${conversationId}/messages?limit=${limit}`,
  ]);
  for (const path of [...paths, "/conversations?offset=-1"]) {
    const response = await fetch(`${url}/api/v1${path}`, { headers });
    const { error } = (await response.json()) as { error: string };
    expect({ path, status: response.status, error }).toEqual({ path, status: 422, error: "invalid_payload" });
  }
}

function runOnce(variables: Record<string, string>, asNobody: boolean, args: readonly string[]) {
  const command = isolatedCommand({ binary, variables, asNobody });
  const startedMs = performance.now();
  const ran = Bun.spawnSync([...command, ...args], { cwd: elsewhere, timeout: 20_000 });
  const tookMs = Math.round(performance.now() - startedMs);
  return { code: ran.exitCode, output: `${ran.stdout}${ran.stderr}`, tookMs };
}
