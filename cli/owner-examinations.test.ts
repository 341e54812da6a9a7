import { afterAll, expect, test } from "bun:test";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { notRun } from "../src/testing/not-run.ts";
import { runCommand } from "../src/testing/processes/command.ts";

const base = mkdtempSync(join(tmpdir(), "whispr-owners-"));
const asRoot = process.getuid?.() === 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function found(dataDir: string): Promise<Record<string, string>> {
  const environment = { WHISPR_DATA_DIR: dataDir, PORT: "0", ADMIN_PORT: "0" };
  const { out } = await runCommand(["doctor", "--json"], environment);
  const findings: { subject: string; status: string; text: string }[] = JSON.parse(out);
  return Object.fromEntries(findings.map(({ subject, status, text }) => [subject, `${status}: ${text}`]));
}

test("doctor says who serves, and who owns and runs what before anything is made", async () => {
  const { "service user": service, "data owners": owners } = await found(join(base, "new"));
  expect(service).toMatch(asRoot ? /^warn: root, which it does not need/ : /^ok: /);
  expect(owners).toMatch(/^ok: .* will own it; PostgreSQL runs as /);
  if (asRoot) expect(owners).not.toMatch(/runs as (root|nobody)/);
});

test("doctor says so where a directory's parents, or another owner, would keep serve from it", async () => {
  if (!asRoot) return notRun("doctor on directories of other users", "only root can make them");
  const theirs = join(base, "theirs");
  mkdirSync(join(theirs, "data"), { recursive: true });
  for (const path of [theirs, join(theirs, "data")]) chownSync(path, 65_500, 65_500);
  writeFileSync(join(theirs, "data", "owner.lock"), "");
  expect((await found(join(theirs, "data")))["data owners"]).toBe(
    "warn: user 65500 owns it: serve would refuse it to root",
  );
  expect((await found(join(theirs, "other")))["data owners"]).toStartWith(
    `fail: ${theirs}: belongs to user 65500: somebody else could put something in the place of the data.`,
  );
  const former = join(base, "former");
  mkdirSync(former);
  chownSync(former, 65_534, 65_534);
  expect((await found(former))["data owners"]).toContain("the next start takes it back for root");
});
