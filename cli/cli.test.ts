import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { testKeys } from "../src/testing/builders/tokens.ts";
import { type Ended, runCommand } from "../src/testing/processes/command.ts";
import { type TestDatabase, testDatabase } from "../src/testing/processes/database.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../src/testing/processes/server.ts";

const alice = "0198c0de-0000-7000-8000-00000000a11c";
const bob = "0198c0de-0000-7000-8000-000000000b0b";

const directory = mkdtempSync(join(tmpdir(), "whispr-cli-"));
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true, force: true }), 120_000);

/** Runs a command of the executable with nothing in its environment but what is given. */
function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return runCommand(args, { WHISPR_DATA_DIR: join(directory, "none"), ...environment });
}

describe("help", () => {
  const commands = [
    ["serve"],
    ["dev"],
    ["migrate"],
    ["migrate", "up"],
    ["migrate", "down"],
    ["migrate", "status"],
    ["config"],
    ["token"],
    ["psql-url"],
    ["admin"],
    ["admin", "inspect"],
    ["admin", "inspect", "conversation"],
    ["admin", "inspect", "message"],
    ["admin", "inspect", "user"],
    ["admin", "backup"],
    ["admin", "new-generation"],
    ["admin", "block"],
    ["admin", "unblock"],
    ["admin", "user-id"],
    ["doctor"],
    ["completion"],
  ];

  test.each(commands)("%s %s %s shows examples", async (...command) => {
    const { code, out } = await run([...command.filter((word) => typeof word === "string"), "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/Examples?:\n {2}\S/);
  });

  test("of the whole shows examples and tells what the exit codes mean", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/Examples?:\n {2}\S/);
    expect(out).toContain("Exit codes: 0 done; 1 it failed; 2 wrong usage or settings; 3 another process");
  });

  test("the version is one line", async () => {
    const { code, out } = await run(["--version"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^whispr-msg \d+\.\d+\.\d+ \(.+, bun .+\)\n$/);
  });

  test("a command or option that does not exist is wrong usage", async () => {
    expect((await run(["sreve"])).code).toBe(2);
    expect((await run(["serve", "--prot", "1"])).code).toBe(2);
    expect((await run([])).code).toBe(2);
  });

  test("no colours where there is no terminal", async () => {
    expect((await run(["doctor"])).out).not.toContain("\u001b[");
  });
});

describe("config", () => {
  test("shows what is in force and where it comes from, secrets hidden", async () => {
    const environment = { PORT: "4010", DB_HOST: "db", DB_NAME: "whispr", DB_PASSWORD: "hunter2" };
    const { code, out } = await run(["config", "--json", "--log-level", "debug"], environment);
    const rows: { variable: string; value: string; source: string }[] = JSON.parse(out);
    const of = (variable: string) => rows.find((row) => row.variable === variable);
    expect(code).toBe(0);
    expect(of("PORT or HTTP_PORT")).toMatchObject({ value: "4010", source: "PORT" });
    expect(of("LOG_LEVEL")).toMatchObject({ value: "debug", source: "--log-level" });
    expect(of("DB_PASSWORD")).toMatchObject({ value: "(hidden)", source: "DB_PASSWORD" });
    expect(out).not.toContain("hunter2");
  });

  test("says on one line each what is in force, and what would be without", async () => {
    const { out } = await run(["config"], { PORT: "4010" });
    expect(out).toMatch(/^PORT or HTTP_PORT +4010 +PORT \(default 4000\) +public port/m);
    expect(out).toMatch(/^HOST +0\.0\.0\.0 +default +address/m);
  });

  test("refuses wrong settings with 2, all at once", async () => {
    const { code, err } = await run(["config"], { PORT: "x", LOG_LEVEL: "loud" });
    expect(code).toBe(2);
    expect(err).toContain('PORT is "x"; allowed: a whole number');
    expect(err).toContain('LOG_LEVEL is "loud"; allowed: trace');
  });
});

describe("serve refuses", () => {
  test("without keys", async () => {
    const { code, err } = await run(["serve"]);
    expect(code).toBe(2);
    expect(err).toContain("JWT_JWKS_URL or JWT_PUBLIC_KEYS_FILE");
  });

  test("with Redis: the cluster comes later, and it must not silently run alone", async () => {
    const { code, err } = await run(["serve"], { JWT_JWKS_URL: "http://127.0.0.1:1/", REDIS_HOST: "redis" });
    expect(code).toBe(2);
    expect(err).toContain("REDIS_HOST asks for the cluster mode, which comes in a later version");
  });

  test.each([
    ["HOST", { HOST: "192.0.2.1" }],
    ["ADMIN_HOST", { ADMIN_HOST: "192.0.2.1", ADMIN_PORT: "24999" }],
  ])(
    "a %s that is none of this machine's, in a sentence that names it",
    async (variable, given) => {
      const environment = {
        WHISPR_DATA_DIR: join(directory, "elsewhere"),
        PORT: "0",
        ADMIN_PORT: "0",
        ...given,
      };
      const { code, err } = await run(["dev"], environment);
      expect(code).toBe(1);
      expect(err).toContain("This machine does not have this address");
      expect(err).toContain(`${variable} is 192.0.2.1`);
      expect(err).not.toContain("    at ");
    },
    120_000,
  );

  test("a PostgreSQL that is not there, in a sentence that names it without its password", async () => {
    const environment = {
      JWT_JWKS_URL: "http://127.0.0.1:1/",
      DATABASE_URL: "postgres://ada:hunter2@127.0.0.1:1/whispr",
    };
    const { code, out, err } = await run(["serve"], { ...environment, ADMIN_PORT: "0", PORT: "0" });
    expect(code).toBe(1);
    expect(err).toContain("127.0.0.1:1/whispr: PostgreSQL does not listen there; check DATABASE_URL");
    expect(out + err).not.toContain("hunter2");
    expect(err).not.toContain("    at ");
  });
});

describe("token", () => {
  test("signs with a key in PEM, for a user, a device and a time", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const path = join(directory, "key.pem");
    writeFileSync(path, privateKey.export({ format: "pem", type: "pkcs8" }));
    const args = ["token", "--key", path, "--user", alice.toUpperCase(), "--device", "phone", "--ttl", "10m"];
    const { code, out } = await run([...args, "--audience", "ws"], { JWT_ISSUER: "somebody" });
    const claims = decodeJwt(out.trim());
    expect(code).toBe(0);
    expect(decodeProtectedHeader(out.trim()).alg).toBe("ES256");
    expect(claims).toMatchObject({ sub: alice, deviceId: "phone", iss: "somebody", aud: "ws" });
    expect(claims.exp! - claims.iat!).toBe(600);
  });

  test("names a key file that is missing or holds no key", async () => {
    const path = join(directory, "no-key");
    writeFileSync(path, "hello");
    expect((await run(["token", "--user", alice, "--key", path])).err).toContain(
      `${path} is not a private key`,
    );
    expect((await run(["token", "--user", alice, "--key", `${path}.x`])).err).toContain(
      "cannot be read (ENOENT). Name your key with --key",
    );
    expect((await run(["token", "--user", "alice", "--key", path])).code).toBe(2);
    const noDevice = await run(["token", "--user", alice, "--key", path, "--device", ""]);
    expect([noDevice.code, noDevice.err]).toEqual([
      2,
      "whispr-msg: --device is not allowed; allowed: 1 to 128 characters, no control characters.\n",
    ]);
    expect((await run(["token", "--user", alice, "--key", path, "--device", "a\nb"])).code).toBe(2);
  });

  test("a FIFO or a link in the place of the key that dev made is refused at once", async () => {
    const dataDir = join(directory, "trap");
    const path = join(dataDir, ".dev-key.json");
    mkdirSync(dataDir);
    for (const command of [
      ["mkfifo", path],
      ["ln", "-s", "/dev/zero", path],
    ]) {
      rmSync(path, { force: true });
      Bun.spawnSync(command);
      const { code, err } = await run(["token", "--user", alice], { WHISPR_DATA_DIR: dataDir });
      expect(code).toBe(1);
      expect(err).toContain(`${path} cannot be read (unsafe_entry)`);
    }
  });

  test("S10: what is printed is good for a day at most", async () => {
    const { code, out, err } = await run(["token", "--user", alice, "--ttl", "25h"]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("up to 24h");
  });
});

describe("admin user-id", () => {
  const environment = { JWT_SUBJECT_NAMESPACE: "6ba7b810-9dad-11d1-80b4-00c04fd430c8" };
  const mapped = "2ed6657d-e927-568b-95e1-2665a8aea6a2";

  test("prints the user id of a subject, by the namespace of the variable or the option", async () => {
    const { code, out } = await run(["admin", "user-id", "www.example.com"], environment);
    expect([code, out]).toEqual([0, `${mapped}\n`]);
    const option = ["--subject-namespace", environment.JWT_SUBJECT_NAMESPACE, "--json"];
    expect(JSON.parse((await run(["admin", "user-id", "www.example.com", ...option])).out)).toEqual({
      subject: "www.example.com",
      userId: mapped,
      namespace: environment.JWT_SUBJECT_NAMESPACE,
    });
  });

  test("prints a UUID as it is, in lower case, with no namespace", async () => {
    const { out } = await run(["admin", "user-id", alice.toUpperCase(), "--json"], environment);
    expect(JSON.parse(out)).toEqual({ subject: alice.toUpperCase(), userId: alice, namespace: null });
    expect((await run(["admin", "user-id", alice])).out).toBe(`${alice}\n`);
  });

  test("says what to set, or what is wrong with the subject", async () => {
    const unset = await run(["admin", "user-id", "www.example.com"]);
    expect(unset).toMatchObject({ code: 2, err: expect.stringContaining("Set JWT_SUBJECT_NAMESPACE") });
    const long = await run(["admin", "user-id", "x".repeat(256)], environment);
    expect(long).toMatchObject({ code: 2, err: expect.stringContaining("1 to 255 characters") });
    const noUuid = await run(["admin", "user-id", "x"], { JWT_SUBJECT_NAMESPACE: "whispr" });
    expect(noUuid).toMatchObject({ code: 2, err: expect.stringContaining("allowed: a UUID like") });
  });

  test("is the user that a token for that subject acts for", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const path = join(directory, "subjects.pem");
    writeFileSync(path, privateKey.export({ format: "pem", type: "pkcs8" }));
    const args = ["token", "--key", path, "--user", "www.example.com", "--json"];
    const { token, userId } = JSON.parse((await run(args, environment)).out);
    expect([decodeJwt(token).sub, userId]).toEqual(["www.example.com", mapped]);
    expect((await run(args)).code).toBe(2);
  });
});

describe("migrate, on a database of one's own", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  }, 120_000);
  afterAll(() => database?.close());

  test("status tells what is pending with 1, up applies it once, down takes it back", async () => {
    const environment = { DATABASE_URL: database.url };
    const migrate = (...args: string[]) => run(["migrate", ...args], environment);
    expect(await migrate("status")).toMatchObject({ code: 1 });
    expect((await migrate("up")).out).toContain("up 1_");
    expect(await migrate("up")).toMatchObject({ code: 0, out: "nothing to do\n" });
    expect(JSON.parse((await migrate("status", "--json")).out)[0]).toMatchObject({
      version: 1,
      isKnown: true,
    });
    expect((await migrate("down", "--to", "0", "--yes")).out).toContain("down 1_");
    expect(await migrate("status")).toMatchObject({ code: 1 });
  });

  test("doctor finds the database good and the schema behind", async () => {
    const environment = { DATABASE_URL: database.url, PORT: "0", ADMIN_PORT: "0" };
    const { code, out } = await run(["doctor", "--json"], environment);
    const findings: { subject: string; status: string; text: string }[] = JSON.parse(out);
    expect(code).toBe(0);
    expect(findings).toContainEqual(expect.objectContaining({ subject: "database", status: "ok" }));
    expect(findings).toContainEqual(expect.objectContaining({ subject: "schema", status: "warn" }));
  });

  test("admin new-generation needs the schema, and then begins the next generation each time", async () => {
    const environment = { DATABASE_URL: database.url };
    const begin = () => run(["admin", "new-generation"], environment);
    const { code, err } = await begin();
    expect(code).toBe(1);
    expect(err).toContain("whispr-msg migrate up");
    await run(["migrate", "up"], environment);
    expect((await begin()).out).toContain("generation 2 begins");
    expect((await begin()).out).toContain("generation 3 begins");
    const { out } = await run(["admin", "new-generation", "--json"], environment);
    expect(JSON.parse(out)).toEqual({ generation: 4 });
    expect((await run(["doctor"], { ...environment, PORT: "0" })).out).toMatch(/ok +generation: 4, since 20/);
    await run(["migrate", "down", "--to", "0", "--yes"], environment);
  });

  test("serve asks for the migration by its command rather than doing it unasked", async () => {
    const keys = await testKeys();
    const environment = {
      DATABASE_URL: database.url,
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
      ADMIN_PORT: "0",
      PORT: "0",
    };
    const { code, err } = await run(["serve"], environment);
    keys.dispose();
    expect(code).toBe(1);
    expect(err).toContain("whispr-msg migrate up");
  });
});

test("doctor tells of keys that cannot be had, and what to do, with 1", async () => {
  const ofFile = await run(["doctor", "--json"], { JWT_PUBLIC_KEYS_FILE: "/nowhere/keys" });
  expect(ofFile.code).toBe(1);
  expect(ofFile.out).toMatch(/JWT_PUBLIC_KEYS_FILE.*; give it the path of a readable JWKS or PEM file/);
  const ofUrl = await run(["doctor"], { JWT_JWKS_URL: "http://ada:hunter2@127.0.0.1:1/keys" });
  expect(ofUrl.code).toBe(1);
  expect(ofUrl.out).toContain("check that http://127.0.0.1:1/keys can be reached from here");
  expect(ofUrl.out + ofUrl.err).not.toContain("hunter2");
});

describe("S10: how a command was started", () => {
  const password = "hunter2";
  const url = `postgres://ada:${password}@127.0.0.1:1/x`;

  test.each([
    [["--database-url", url], "--database-url"],
    [[`--database-url=${url}`], "--database-url"],
    [["--database-url", `postgres://127.0.0.1:1/x?password=${password}`], "--database-url"],
  ])("a password in %j is warned of by name, with the way out, and never repeated", async (args, name) => {
    const { err } = await run(["migrate", "status", ...args]);
    expect(err).toContain(`warning: ${name} has a password`);
    expect(err).toContain("PGPASSFILE");
    expect(err).not.toContain(password);
  });

  test("an address without a password, and one in the environment, are not warned of", async () => {
    const bare = await run(["migrate", "status", "--database-url", "postgres://ada@127.0.0.1:1/x"]);
    const variable = await run(["migrate", "status"], { DATABASE_URL: url });
    for (const { err } of [bare, variable]) expect(err).not.toContain("warning");
  });

  test("variables that change how the executable runs are named", async () => {
    const environment = {
      BUN_OPTIONS: "--smol",
      BUN_CONFIG_VERBOSE_FETCH: "false",
      LD_LIBRARY_PATH: "/nowhere",
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
    };
    const names = Object.keys(environment).sort().join(", ");
    const { err } = await run(["migrate", "status"], environment);
    expect(err).toContain(`change how this executable runs, or load code into it: ${names}.`);
    const { out } = await run(["doctor", "--json"], environment);
    expect(JSON.parse(out)).toContainEqual({
      subject: "environment",
      status: "warn",
      text: expect.stringContaining(names),
    });
    const served = await run(["serve"], {
      ...environment,
      JWT_PUBLIC_KEYS_FILE: "/nowhere",
      DATABASE_URL: url,
    });
    expect(served.out).toContain('"event":"runtime_variables_set"');
    expect(served.out).toContain(`"names":"${names}"`);
  });
});

test("doctor and migrate tell of what is no PostgreSQL in a sentence, and doctor of a port that is taken", async () => {
  const port = await freePort();
  using _other = Bun.listen({ hostname: "127.0.0.1", port, socket: { data: (socket) => void socket.end() } });
  const environment = { DATABASE_URL: `postgres://127.0.0.1:${port}/x`, PORT: `${port}`, HOST: "127.0.0.1" };
  const { code, out } = await run(["doctor"], environment);
  expect(code).toBe(1);
  expect(out).toMatch(
    /fail +database: .*the connection was ended at once; check that DATABASE_URL names a PostgreSQL/,
  );
  expect(out).toContain(`in use by another process; choose another one: PORT=${port + 1}`);
  const { err } = await run(["migrate", "status"], environment);
  expect(err).toContain("check that DATABASE_URL names a PostgreSQL");
  expect(err).not.toContain("    at ");
});

test("migrate status and down make no database where there is none, and say which to name", async () => {
  for (const direction of ["status", "down"]) {
    const { code, err } = await run(["migrate", direction]);
    expect(code).toBe(1);
    expect(err).toMatch(/none has no database\. .*--data-dir .*--database-url/);
  }
  expect(existsSync(join(directory, "none"))).toBe(false);
});

test("psql-url without a running whispr-msg says so with 1", async () => {
  const { code, err } = await run(["psql-url"]);
  expect(code).toBe(1);
  expect(err).toContain("no embedded PostgreSQL runs");
});

describe("dev, with the database it carries", () => {
  const dataDir = join(directory, "dev");
  let port: number;
  let server: ServerProcess;

  beforeAll(async () => {
    port = await freePort();
    server = await startServer({ arguments: ["dev"], environment: { WHISPR_DATA_DIR: dataDir }, port });
  }, 180_000);
  afterAll(() => server[Symbol.asyncDispose]());

  const here = (args: readonly string[], more: Record<string, string> = {}) =>
    run(args, { WHISPR_DATA_DIR: dataDir, ADMIN_PORT: "0", ...more });

  async function printed(pattern: RegExp): Promise<string> {
    const untilMs = performance.now() + 60_000;
    while (performance.now() < untilMs) {
      const found = pattern.exec(server.output())?.[1];
      if (found) return found;
      await Bun.sleep(5);
    }
    throw new Error(`${pattern} was not printed:\n${server.output()}`);
  }

  test("prints its address, that of the playground, and tokens of two users that are good", async () => {
    expect(await printed(/is ready at (\S+)/)).toBe(server.url);
    expect(await printed(/^Open (\S+) in two tabs/m)).toBe(`${server.url}/playground`);
    const token = await printed(/^export ALICE=(\S+)$/m);
    const answer = await fetch(`${server.url}/api/v1/conversations`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
  });

  test("publishes the public half of its key, and keeps the private one to its owner", async () => {
    const { keys } = (await (await fetch(`${server.url}/auth/.well-known/jwks.json`)).json()) as {
      keys: Record<string, string>[];
    };
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ kty: "EC", crv: "P-256", use: "sig", alg: "ES256" });
    expect(keys[0]!.kid).toHaveLength(16);
    expect(keys[0]).not.toHaveProperty("d");
    expect(statSync(join(dataDir, ".dev-key.json")).mode & 0o777).toBe(0o600);
  });

  test("what commands print is JSON where it is asked for", async () => {
    const json = async (...args: string[]) => JSON.parse((await here([...args, "--json"])).out);
    const { token, expiresAt, ...of } = await json(
      "token",
      "--user",
      bob,
      "--device",
      "phone",
      "--ttl",
      "1h",
    );
    expect(of).toEqual({ userId: bob, deviceId: "phone" });
    expect(Date.parse(expiresAt)).toBe(decodeJwt(token).exp! * 1_000);
    expect(await json("psql-url")).toEqual({ url: expect.stringMatching(/^postgresql:/) });
    expect(await json("admin", "block", alice, bob)).toEqual({
      blocker: alice,
      blocked: bob,
      isBlocked: true,
      outcome: "applied",
    });
    expect(await json("admin", "unblock", alice, bob)).toMatchObject({
      isBlocked: false,
      outcome: "applied",
    });
    const target = join(directory, "json-backup");
    const backup = await json("admin", "backup", target);
    expect(backup).toEqual({ directory: target, bytes: expect.any(Number), tookMs: expect.any(Number) });
  }, 120_000);

  test("token signs with that key when none is named", async () => {
    const { out } = await here(["token", "--user", bob]);
    const headers = { authorization: `Bearer ${out.trim()}` };
    expect((await fetch(`${server.url}/api/v1/conversations`, { headers })).status).toBe(200);
  });

  test("a second one on the same directory is refused by name with 3", async () => {
    const { code, err } = await here(["dev"], { PORT: "0" });
    expect(code).toBe(3);
    expect(err).toContain(dataDir);
  });

  test("a port in use names the way out with 3", async () => {
    const other = join(directory, "other");
    const { code, err } = await here(["dev"], { PORT: String(port), WHISPR_DATA_DIR: other });
    expect(code).toBe(3);
    expect(err).toContain(`Port ${port} on 127.0.0.1 is in use by another process.`);
    expect(err).toContain(`PORT=${port + 1} npm start`);
  }, 120_000);

  test("--reset is refused while it runs", async () => {
    const { code, err } = await here(["dev", "--reset"]);
    expect(code).toBe(3);
    expect(err).toContain("is in use by");
  });

  test("doctor finds that it is a whispr-msg that has the port", async () => {
    const { out } = await here(["doctor"], { PORT: `${port}`, HOST: "127.0.0.1" });
    expect(out).toContain(`port ${port} on 127.0.0.1: a whispr-msg answers there`);
  });

  test("psql-url and migrate status reach its database", async () => {
    expect((await here(["psql-url"])).out).toMatch(/^postgresql:\/\//);
    expect(await here(["migrate", "status"])).toMatchObject({ code: 0 });
  });

  test("admin backup onto a full disk says so, and leaves nothing there", async () => {
    const full = join(directory, "full");
    mkdirSync(full);
    const script =
      'mount -t tmpfs -o size=8m tmpfs "$0" && shift && "$@" "$0/copy"; code=$?; ls -A "$0/copy"; exit $code';
    const namespace = ["unshare", "--mount", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"])];
    const command = [...namespace, "sh", "-c", script, full, "x", ...serverCommand(), "admin", "backup"];
    const env = { PATH: process.env.PATH ?? "", WHISPR_DATA_DIR: dataDir };
    const { stdout, stderr, exitCode } = Bun.spawnSync(command, { env });
    expect(stderr.toString()).toContain(
      "/full/copy: has no room for the copy: its disk is full. Name one on another disk.",
    );
    expect([exitCode, stdout.toString()]).toEqual([1, ""]);
  });

  test("a reader that stops reading ends no command", async () => {
    const command = `${serverCommand().join(" ")} doctor | true`;
    const env = { PATH: process.env.PATH ?? "", WHISPR_DATA_DIR: dataDir, PORT: "0", ADMIN_PORT: "0" };
    expect(Bun.spawnSync(["sh", "-c", command], { env }).stderr.toString()).toBe("");
  });

  describe("admin inspect", () => {
    const ids = { conversation: "", message: "", user: alice };

    beforeAll(async () => {
      const token = await printed(/^export ALICE=(\S+)$/m);
      const post = async (path: string, body: unknown) => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const init = { method: "POST", headers, body: JSON.stringify(body) };
        const answer = await fetch(`${server.url}/api/v1/${path}`, init);
        return ((await answer.json()) as { data: { id: string } }).data.id;
      };
      ids.conversation = await post("conversations", { type: "direct", other_user_id: bob });
      ids.message = await post(`conversations/${ids.conversation}/messages`, { content: "a secret" });
    }, 120_000);

    const expected = {
      conversation: { head: { seq: 1 }, stored: { messages: 1, maxSeq: 1 }, memberCount: 2 },
      message: { seq: 1, contentBytes: 8, recipientCount: 1, delivery: [{ userId: bob, readAt: null }] },
      user: { conversationCount: 1, roles: { owner: 1 }, devices: [] },
    };
    const kinds = Object.keys(expected) as (keyof typeof expected)[];

    test.each(kinds)("shows a %s in numbers, never content", async (kind) => {
      const { code, out } = await here(["admin", "inspect", kind, ids[kind]]);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ id: ids[kind], ...expected[kind] });
      expect(out).not.toContain("a secret");
    });

    test.each(kinds)(
      "shows a %s as a table where there is a terminal, and as JSON when asked to",
      async (kind) => {
        const onTerminal = (...more: string[]) => {
          const command = [...serverCommand(), "admin", "inspect", kind, ids[kind], ...more].join(" ");
          const env = { PATH: process.env.PATH ?? "", WHISPR_DATA_DIR: dataDir };
          return Bun.spawnSync(["script", "-qec", command, "/dev/null"], { env }).stdout.toString();
        };
        expect(onTerminal()).toMatch(new RegExp(`^${kind} +${ids[kind]}`));
        expect(onTerminal("--offset", "1")).toMatch(/ \d+ of \d+ \(--limit, --offset\)/);
        expect(JSON.parse(onTerminal("--json"))).toMatchObject({ id: ids[kind] });
      },
    );

    test.each(kinds)(
      "of a %s that does not exist, or of no uuid, says what to give instead",
      async (kind) => {
        const unknown = await here(["admin", "inspect", kind, "0198c0de-0000-7000-8000-000000000000"]);
        expect(unknown.code).toBe(1);
        expect(unknown.err).toMatch(
          new RegExp(`There is no ${kind} .*Give the .*--data-dir or --database-url`),
        );
        const unreadable = await here(["admin", "inspect", kind, "x"]);
        expect(unreadable.code).toBe(2);
        expect(unreadable.err).toContain('"x" is not a UUID. Give the');
      },
    );

    test("tells which numbers --limit and --offset take", async () => {
      const { code, err } = await here(["admin", "inspect", "user", alice, "--limit", "0"]);
      expect(code).toBe(2);
      expect(err).toContain('--limit is "0"; allowed: a whole number from 1 to 1000.');
    });

    test("does not make a database where there is none", async () => {
      const { code, err } = await run(["admin", "inspect", "user", alice]);
      expect(code).toBe(1);
      expect(err).toMatch(/none has no database\. .*--data-dir .*--database-url/);
      expect(existsSync(join(directory, "none"))).toBe(false);
    });

    test("what is wrong usage three words deep is wrong usage", async () => {
      expect((await run(["admin", "inspect", "user"])).code).toBe(2);
      expect((await run(["admin", "inspect", "user", alice, "--colour"])).code).toBe(2);
    });
  });

  test("SIGTERM stops it with 0; then --reset starts with nothing", async () => {
    expect(await server.end("SIGTERM")).toMatchObject({ code: 0 });
    expect(existsSync(join(dataDir, "data"))).toBe(true);
    const environment = { WHISPR_DATA_DIR: dataDir };
    server = await startServer({ arguments: ["dev", "--reset", "--yes"], environment, port });
    const { out } = await here(["token", "--user", alice]);
    const headers = { authorization: `Bearer ${out.trim()}` };
    const list = await (await fetch(`${server.url}/api/v1/conversations`, { headers })).json();
    expect(list).toMatchObject({ data: [] });
  }, 180_000);
});
