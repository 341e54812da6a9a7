import { chownSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { basename } from "node:path";
import { Directory, giveTree, removeEntry } from "./by-descriptor.ts";
import { hasDatabase } from "./data-directory.ts";
import type { Layout } from "./layout.ts";
import { closePostgresLog, lastLogLines, openPostgresLog } from "./postgres-log.ts";
import { EmbeddedRefusal, startFailed } from "./refusal.ts";
import { superuser } from "./role-names.ts";
import { type RunAs, startProgram } from "./run-as.ts";
import { syncDirectory } from "./unpack.ts";

const initdbArguments = [
  `--username=${superuser}`,
  "--auth-local=reject",
  "--auth-host=reject",
  "--no-locale",
  "--encoding=UTF8",
  "--sync-method=syncfs",
];

/** Makes the database where there is none. It gets its name when it is complete, so a kill at any moment leaves none. */
export async function initialize(start: {
  layout: Layout;
  tree: string;
  runAs: RunAs;
  lockFd: number;
}): Promise<void> {
  const { layout, runAs } = start;
  removeInWork(layout);
  if (hasDatabase(layout)) return;
  refuseWithoutShell(layout);
  mkdirSync(layout.databaseInWork, { mode: 0o700 });
  if (runAs.way.type !== "self") chownSync(layout.databaseInWork, runAs.initdbUid, runAs.owner.gid);
  await runInitdb(start);
  if (runAs.initdbUid !== runAs.owner.uid) giveInWork(layout, runAs);
  renameSync(layout.databaseInWork, layout.database);
  syncDirectory(layout.root);
}

function removeInWork({ root, databaseInWork }: Layout): void {
  using directory = Directory.open(root);
  removeEntry(directory, basename(databaseInWork));
}

function giveInWork({ databaseInWork }: Layout, { owner }: RunAs): void {
  using directory = Directory.open(databaseInWork);
  giveTree(directory, owner);
}

async function runInitdb(start: {
  layout: Layout;
  tree: string;
  runAs: RunAs;
  lockFd: number;
}): Promise<void> {
  const logFd = openPostgresLog(start.layout);
  const args = [`--pgdata=${start.layout.databaseInWork}`, ...initdbArguments];
  const child = startProgram({ ...start, program: "initdb", args, logFd });
  closePostgresLog(logFd);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject).once("exit", resolve);
  child.ref();
  const exitCode = await promise;
  if (exitCode === 0) return;
  const { root, log } = start.layout;
  const how = `initdb could not make the database (exit code ${exitCode})`;
  throw startFailed({ directory: root, log, how, lines: lastLogLines(start.layout) });
}

function refuseWithoutShell(layout: Layout): void {
  if (existsSync("/bin/sh")) return;
  throw new EmbeddedRefusal({
    code: "no_shell",
    directory: layout.root,
    problem: "a first start runs PostgreSQL's initdb, which needs /bin/sh, and this machine has none",
    wayOut: "Use an image with a shell, bring a data directory that was made elsewhere, or set DATABASE_URL",
  });
}
