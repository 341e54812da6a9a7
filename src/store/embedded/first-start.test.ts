import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedOwner } from "../../testing/processes/embedded-owner.ts";

const base = mkdtempSync(join(tmpdir(), "whispr-kills-"));
const moments = Array.from({ length: 20 }, (_, index) => index * 47);
const timeoutMs = 300_000;
afterAll(() => rmSync(base, { recursive: true, force: true }), 180_000);

test(
  "a first start that is killed at any moment is simply done again by the next start",
  async () => {
    const left = moments.entries();
    const worker = async () => {
      for (const [index, moment] of left)
        await killAndStartAgain(join(base, String(index)), moment, index % 2 === 0);
    };
    await Promise.all([worker(), worker(), worker()]);
  },
  timeoutMs,
);

/** Every other time only the owner is killed: `initdb`, or the server, goes on as an orphan. */
async function killAndStartAgain(dataDir: string, momentMs: number, withDescendants: boolean): Promise<void> {
  const killed = EmbeddedOwner.spawn(dataDir);
  await new Promise((resolve) => setTimeout(resolve, momentMs));
  await (withDescendants ? killed.killWithDescendants() : killed.kill());
  const next = await EmbeddedOwner.start(dataDir);
  expect(next.refusal).toBeUndefined();
  expect(await next.ask("SELECT current_database() AS name")).toEqual([{ name: "whispr" }]);
  await next.say("stop");
  const leftovers = readdirSync(dataDir).filter((name) => name.endsWith(".new"));
  expect(leftovers).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
}
