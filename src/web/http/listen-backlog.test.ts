import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { widenBacklog } from "./listen-backlog.ts";

/** How many of 1,000 connections are made while the listener accepts none: the loop of this process stands still meanwhile. */
function connectedUnaccepted(port: number): number {
  const client = `
    let connected = 0;
    const socket = { open() { connected++ }, data() {}, error() {}, connectError() {} };
    for (let each = 0; each < 1000; each++)
      Bun.connect({ hostname: "127.0.0.1", port: ${port}, socket }).catch(() => {});
    let before = -1;
    while (connected !== before) { before = connected; await Bun.sleep(500); }
    console.log(connected);
    process.exit();`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", client]);
  return Number(stdout.toString());
}

test("a thousand clients that connect at once all reach a listener whose loop is busy", () => {
  const most = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
  using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
  expect(widenBacklog(server.port!)).toBe(true);
  expect(connectedUnaccepted(server.port!)).toBeGreaterThanOrEqual(Math.min(1_000, most));
}, 30_000);

test("connections that are open on the port are left alone", async () => {
  using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
  const { hostname, port } = server;
  using _open = await Bun.connect({ hostname: hostname!, port: port!, socket: { data() {} } });
  await (await fetch(server.url)).text();
  expect(widenBacklog(port!)).toBe(true);
});

test("a port on which nobody listens is left alone", () => {
  expect(widenBacklog(1)).toBe(false);
});
