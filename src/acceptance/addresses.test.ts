import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../testing/eventually.ts";
import { runCommand } from "../testing/processes/command.ts";
import { type TestDatabase, testDatabase } from "../testing/processes/database.ts";
import { freePort, serverCommand } from "../testing/processes/server.ts";

/** Every address that the executable prints can be pasted as it is: `curl` opens it. */

const timeoutMs = 180_000;
const directory = mkdtempSync(join(tmpdir(), "whispr-addresses-"));
const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const database of databases) await database.close();
  rmSync(directory, { recursive: true, force: true });
}, timeoutMs);

const linkLocal = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
  addresses.filter(({ address }) => address.startsWith("fe80:")).map(({ address }) => `${address}%${name}`),
)[0];

const allAddresses = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
const hasIpv6 = allAddresses.some(({ address }) => address === "::1");

const hosts: [host: string, printed: string][] = [
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["::1", "[::1]"],
  ["[::1]", "[::1]"],
  ["::", "[::1]"],
  ...(linkLocal ? [[linkLocal, `[${linkLocal.replace("%", "%25")}]`] as [string, string]] : []),
];

interface Dev {
  readonly port: number;
  readonly adminPort: number;
  readonly output: () => string;
}

/** Resolves when all that it prints at its start is there. */
async function startDev(host: string, running: AsyncDisposableStack): Promise<Dev> {
  const database = await testDatabase();
  databases.push(database);
  const [port, adminPort] = [await freePort(), await freePort()];
  const env = {
    PATH: process.env.PATH ?? "",
    DATABASE_URL: database.url,
    WHISPR_DATA_DIR: join(directory, `${port}`),
    LOG_FORMAT: "json",
    HOST: host,
    PORT: `${port}`,
    ADMIN_HOST: host,
    ADMIN_PORT: `${adminPort}`,
  };
  const child = Bun.spawn([...serverCommand(), "dev"], { env, stdout: "pipe", stderr: "inherit" });
  running.defer(() => {
    child.kill("SIGKILL");
    return child.exited.then(() => {});
  });
  let output = "";
  const keep = async () => {
    for await (const chunk of child.stdout) output += Buffer.from(chunk).toString();
  };
  void keep();
  await eventually("all to be printed", () => output.includes("starts afresh."));
  return { port, adminPort, output: () => output };
}

async function curl(url: string): Promise<string> {
  const child = Bun.spawn(["curl", "-sg", "-o", "/dev/null", "-w", "%{http_code}", url], { stdout: "pipe" });
  return child.stdout.text();
}

test.each(hosts.filter(([host]) => hasIpv6 || !host.includes(":")))(
  "listening on %s, every address that dev prints and logs can be opened",
  async (host, printed) => {
    await using running = new AsyncDisposableStack();
    const { port, adminPort, output: printedAll } = await startDev(host, running);
    const own = `http://${printed}:${port}`;
    const output = printedAll();
    const urls = [...output.matchAll(/http:\/\/[^\s"]+?:\d+[^\s",)]*/g)].map(([url]) => url);
    expect(new Set(urls.map((url) => /^http:\/\/.+?:\d+(?=\/|$)/.exec(url)?.[0]))).toEqual(
      new Set([own, `http://${printed}:${adminPort}`]),
    );
    expect(output).toContain(`ws://${printed}:${port}/socket`);
    for (const url of [`${own}/playground`, `${own}/live`, `http://${printed}:${adminPort}/metrics`])
      expect([url, await curl(url)]).toEqual([url, "200"]);
  },
  timeoutMs,
);

/** A host of this machine without 127.0.0.1. */
const alone = hasIpv6 ? "::1" : "127.0.0.2";

test("doctor recognises a whispr-msg that does not listen on 127.0.0.1, and tells a taken port from an address that is not ours", async () => {
  await using running = new AsyncDisposableStack();
  const { port } = await startDev(alone, running);
  const doctor = (environment: Record<string, string>) =>
    runCommand(["doctor"], {
      WHISPR_DATA_DIR: join(directory, "none"),
      ADMIN_PORT: "0",
      PORT: `${port}`,
      ...environment,
    });
  expect((await doctor({ HOST: alone })).out).toContain(
    `port ${port} on ${alone}: a whispr-msg answers there`,
  );
  expect((await doctor({ HOST: "192.0.2.1" })).out).toContain(
    `port ${port} on 192.0.2.1: this machine has no such address; set HOST to one of its own`,
  );
  using _taken = Bun.listen({ hostname: alone, port: 65_535, socket: { data() {} } });
  expect((await doctor({ HOST: alone, PORT: "65535" })).out).toContain("choose another one: PORT=65534");
}, 180_000);
