import { afterAll, beforeAll, expect, test } from "bun:test";
import { $ } from "bun";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import { FrameSocket } from "../testing/clients/frame-socket.ts";
import { createGroup, People, type Person } from "../testing/clients/people.ts";
import { eventually } from "../testing/eventually.ts";
import { runCommand } from "../testing/processes/command.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { freePort, type ServerProcess, startServer } from "../testing/processes/server.ts";

/** The executable as an operator runs it who wants nothing but errors in the log, and the security log. */

let database: TestDatabase;
let keys: TestKeys;
let server: ServerProcess;
let metricsUrl: string;
let owner: Person;
let admin: Person;
let member: Person;
let group: string;

beforeAll(async () => {
  database = await testDatabase();
  keys = await testKeys();
  const adminPort = await freePort();
  metricsUrl = `http://127.0.0.1:${adminPort}/metrics`;
  server = await startServer({
    arguments: ["serve"],
    environment: {
      DATABASE_URL: database.url,
      JWT_PUBLIC_KEYS_FILE: keys.jwksFile,
      WHISPR_AUTO_MIGRATE: "1",
      LOG_LEVEL: "error",
      LOG_FORMAT: "json",
      ADMIN_PORT: `${adminPort}`,
    },
    port: await freePort(),
  });
  const people = new People({ url: server.url, token: keys.token });
  [owner, admin, member] = (await people.many(3)) as [Person, Person, Person];
  group = await createGroup([owner, admin, member]);
}, 180_000);
afterAll(async () => {
  await server.end("SIGTERM");
  keys.dispose();
  await database.close();
});

type Line = Readonly<Record<string, unknown>>;

function lines(): readonly Line[] {
  const written = server.output().split("\n").slice(0, -1);
  return written.flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Line] : []));
}

/** The next line of this event that holds these fields. */
async function logged(event: string, fields: Line): Promise<Line> {
  const isIt = (line: Line) =>
    line.event === event && Object.entries(fields).every(([name, value]) => line[name] === value);
  await eventually(`${event} in the log`, () => lines().some(isIt));
  const line = lines().find(isIt)!;
  expect(line).toMatchObject({ log: "security", level: "info" });
  return line;
}

const refused = (call: Promise<unknown>) => expect(call).rejects.toThrow(/: (401|403|404) /);
const inGroup = (path: string) => `/conversations/${group}${path}`;

test("a token that is not accepted is logged with its address and why, at both doors, and never itself", async () => {
  const token = await keys.token(owner.id, { exp: 1_700_000_000 });
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${server.url}/api/v1/conversations`, { headers })).status).toBe(401);
  const refresh = await keys.token(owner.id, { type: "refresh" });
  expect(
    (
      await fetch(`${server.url}/socket/websocket?vsn=2.0.0&token=${refresh}`, {
        headers: { upgrade: "websocket" },
      })
    ).status,
  ).toBe(401);
  const address = "127.0.0.1";
  await logged("authentication_failed", { address, door: "rest", reason: "the token has expired" });
  const reason = "a refresh token can only be exchanged for a new token";
  await logged("authentication_failed", { address, door: "socket", reason });
  for (const part of [...token.split("."), ...refresh.split(".")])
    expect(server.output()).not.toContain(part);
});

test("what a role does not allow is logged with who tried what, and a join of what is not theirs", async () => {
  await refused(member.rest.call("DELETE", inGroup(`/members/${owner.id}`)));
  await logged("privilege_refused", {
    ...{ user_id: member.id, operation: "remove_member", conversation_id: group },
  });
  const socket = await FrameSocket.open({ url: server.url, token: await keys.token(member.id) });
  const stranger = crypto.randomUUID();
  expect((await socket.join(`conversation:${stranger}`, "1")).status).toBe("error");
  expect((await socket.join(`user:${owner.id}`, "2")).status).toBe("error");
  await logged("join_refused", { user_id: member.id, conversation_id: stranger });
  await logged("join_refused", { user_id: member.id, topic: "of another user" });
});

test("roles, settings, an owner's hand-over and a removal are logged: who, whom, where", async () => {
  const role = (of: Person, name: string) => ({
    path: inGroup(`/members/${of.id}/role`),
    body: { role: name },
  });
  const asAdmin = role(admin, "admin");
  await owner.rest.call("PATCH", asAdmin.path, asAdmin.body);
  const changed = { conversation_id: group, actor_id: owner.id, user_id: admin.id };
  await logged("member_role_changed", { ...changed, role: "admin" });
  const group_settings = { message_permission: "admins_only" };
  await owner.rest.call("PUT", inGroup(""), { metadata: { topic: "hush-hush", group_settings } });
  await logged("group_settings_changed", {
    ...{ conversation_id: group, actor_id: owner.id, names: "message_permission" },
  });
  const asOwner = role(admin, "owner");
  await owner.rest.call("PATCH", asOwner.path, asOwner.body);
  await logged("group_owner_changed", { ...changed, role: "owner" });
  const removal = `${server.url}/api/v1${inGroup(`/members/${member.id}`)}`;
  const headers = { authorization: `Bearer ${await keys.token(admin.id)}` };
  expect((await fetch(removal, { method: "DELETE", headers })).status).toBe(204);
  await logged("member_removed", { conversation_id: group, actor_id: admin.id, user_id: member.id });
  expect(server.output()).not.toContain("hush-hush");
});

test("a command is logged with the user of the machine who ran it, and a block with what became of it", async () => {
  const direct = await owner.rest.createDirect(member.id);
  const environment = { DATABASE_URL: database.url, USER: "somebody-else", LOGNAME: "somebody-else" };
  expect((await runCommand(["admin", "block", owner.id, member.id], environment)).code).toBe(0);
  const said = await logged("admin_command", { command: "admin block", target: `${owner.id} ${member.id}` });
  expect(said).toMatchObject({
    uid: process.getuid!(),
    os_user: (await $`id -un`.text()).trim(),
    host: expect.any(String),
  });
  expect(String(said.database)).toContain(new URL(database.url).pathname.slice(1));
  await logged("block_applied", { conversation_id: direct, actor_id: owner.id, user_id: member.id });
  await refused(owner.rest.call("POST", `/conversations/${direct}/messages`, { content: "x" }));
  await logged("privilege_refused", { user_id: owner.id, operation: "send_message" });
}, 60_000);

test("every event is counted, and nothing but the security log was written below error", async () => {
  const text = await (await fetch(metricsUrl)).text();
  const figures = text.split("\n").filter((line) => line.startsWith("whispr_security_events_total"));
  const counted = (event: string, count: number) => `whispr_security_events_total{event="${event}"} ${count}`;
  expect(figures).toContain(counted("authentication_failed", 2));
  expect(figures).toContain(counted("group_owner_changed", 1));
  expect(figures).toContain(counted("sessions_ended", 0));
  expect(lines().filter(({ log }) => log !== "security")).toEqual([]);
});
