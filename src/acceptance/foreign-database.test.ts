import { afterAll, beforeAll, expect, test } from "bun:test";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { People } from "../testing/clients/people.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { makeHostile } from "../testing/processes/hostile-settings.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../testing/processes/server.ts";

/** The executable on a database that somebody else looks after: each of its settings that could change what we send, read or plan is another. */

let database: TestDatabase;
let keys: TestKeys;
let server: ServerProcess;
let environment: Record<string, string>;

beforeAll(async () => {
  [database, keys] = await Promise.all([testDatabase(), testKeys()]);
  await makeHostile(database.url);
  environment = { DATABASE_URL: database.url, JWT_PUBLIC_KEYS_FILE: keys.jwksFile };
  await run("migrate", "up");
  server = await startServer({ arguments: ["serve"], environment, port: await freePort() });
}, 180_000);
afterAll(async () => {
  await server?.end("SIGTERM");
  await database.close();
  keys.dispose();
});

async function run(...args: string[]) {
  const env = { PATH: process.env.PATH ?? "", PORT: "0", ADMIN_PORT: "0", ...environment };
  const child = Bun.spawn([...serverCommand(), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

test("who was away catches up there by a join and over REST, with what was written meanwhile", async () => {
  const people = new People({ url: server.url, token: (userId, claims) => keys.token(userId, claims) });
  const { alice, bob, conversationId } = await people.pair();
  const phone = await bob.inside(conversationId);
  const writer = await alice.inside(conversationId);
  await writer.send(conversationId, "first");
  await phone.keeps(conversationId, 1);
  await phone.proves();
  await phone.disconnect();
  for (const content of ["second", "Gruß \\ 'null'"]) await writer.send(conversationId, content);
  const again = await bob.inside(conversationId);
  await again.keeps(conversationId, 2);
  expect(again.contents(conversationId)).toEqual(["second", "Gruß \\ 'null'"]);
  const changes = await bob.rest.call("GET", `/conversations/${conversationId}/changes?since=0`);
  expect(changes).toMatchObject({ status: 200, body: { meta: { has_more: false, next_since: 3 } } });
  const history = (await bob.rest.history(conversationId)).map(({ content }) => content);
  expect(history).toEqual(["first", "second", "Gruß \\ 'null'"]);
  await people.disconnect();
}, 120_000);

test("the commands of operators work there: doctor, migrate status, admin inspect and new-generation", async () => {
  const people = new People({ url: server.url, token: (userId, claims) => keys.token(userId, claims) });
  const { conversationId } = await people.pair();
  expect(await run("doctor", "--json")).toMatch(/"subject":\s*"database sessions",\s*"status":\s*"ok"/);
  const states: { appliedAt: string }[] = JSON.parse(await run("migrate", "status", "--json"));
  for (const { appliedAt } of states) expect(appliedAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(await run("admin", "inspect", "conversation", conversationId)).toContain(conversationId);
  expect(await run("admin", "new-generation")).toContain("generation 2");
}, 120_000);
