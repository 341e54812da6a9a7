import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { findPromtool, promtoolComplaints } from "../testing/processes/promtool.ts";
import { freePort } from "../testing/processes/server.ts";

const [anna, ben] = [newId(), newId()];
let server: InProcess;
let adminPort: number;

beforeAll(async () => {
  adminPort = await freePort();
  server = await startInProcess({ ADMIN_PORT: String(adminPort) });
  await use();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose]());

/** Makes every kind of series: requests of all statuses, sockets refused, commands, refusals. */
async function use(): Promise<void> {
  const headers = { authorization: `Bearer ${await server.token(anna)}` };
  const api = `${server.url}/messaging/api/v1`;
  const body = JSON.stringify({ type: "direct", other_user_id: ben });
  const created = await fetch(`${api}/conversations`, { method: "POST", headers, body });
  const { data } = (await created.json()) as { data: { id: string } };
  const messages = `${api}/conversations/${data.id}/messages`;
  await fetch(messages, { method: "POST", headers, body: '{"content":"hello"}' });
  await fetch(messages, { headers });
  for (const path of [
    "/live",
    "/ready",
    "/socket/websocket",
    `/nothing/${newId()}`,
    `/api/v1/nothing/${newId()}`,
  ])
    await fetch(server.url + path, { headers });
}

async function scrape(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
}

test("C12: promtool, where it is installed, has nothing to complain about", async () => {
  // Where it is not, the run says so (`NOT RUN: promtool check metrics`), and fails in CI.
  const promtool = findPromtool();
  if (promtool) expect(promtoolComplaints(promtool, await scrape())).toBe("");
});

test("C12: counters end in _total and nothing else does; every metric says what it is", async () => {
  const text = await scrape();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({
    name: name!,
    type: type!,
  }));
  expect(types.length).toBeGreaterThan(20);
  for (const { name, type } of types) {
    expect([name, /_total$/.test(name)]).toEqual([name, type === "counter"]);
    expect(text).toContain(`# HELP ${name} `);
  }
});

test("C12: requests are measured by the template of their route, never by a path that somebody asked for", async () => {
  const text = await scrape();
  const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route));
  expect([...routes].sort()).toEqual([
    "/api/v1/conversations",
    "/api/v1/conversations/:id/messages",
    "/socket/websocket",
    "none",
    "probe",
  ]);
  expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
});

test("C12: what an operator asks first is there: version, whether the store is up and how fast, whether it is ready", async () => {
  const text = await scrape();
  expect(text).toMatch(/^whispr_build_info\{version="0.0.0",commit="test",bun="[\d.]+"\} 1$/m);
  expect(text).toMatch(/^whispr_store_up 1$/m);
  expect(text).toMatch(/^whispr_ready 1$/m);
  expect(text).toMatch(/^whispr_store_seconds_count\{doing="ping"\} [1-9]/m);
  expect(text).toMatch(/^whispr_store_seconds_count\{doing="read"\} [1-9]/m);
  expect(text).toMatch(/^whispr_event_loop_lag_seconds_count [1-9]/m);
});
