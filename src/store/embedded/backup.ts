import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type pg from "pg";
import { openClient } from "../database.ts";
import { embeddedUrl } from "./connection.ts";
import { type Layout, layoutOf } from "./data-directory.ts";
import { codeOf, EmbeddedRefusal } from "./refusal.ts";
import { refuseUnsafePath } from "./safe-path.ts";
import { syncDirectory, syncTree } from "./unpack.ts";

/** Directories whose content PostgreSQL makes anew (its own `basebackup.c` leaves out the same); `pg_wal` is copied at the end. */
const leftEmpty = new Set([
  "pg_wal",
  "pg_dynshmem",
  "pg_notify",
  "pg_replslot",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
]);
const leftOut =
  /^(postmaster\.(pid|opts)|pg_internal\.init.*|pgsql_tmp.*|backup_label(\.old)?|tablespace_map(\.old)?|recovery\.signal|standby\.signal)$/;
const controlFile = join("global", "pg_control");
const walFile = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)$/;
const copiesAtOnce = 4;
const connectTimeoutMs = 10_000;

export interface Backup {
  readonly directory: string;
  readonly bytes: number;
  readonly tookMs: number;
}

/**
 * Copies the running embedded database of `dataDir`, while it is written, into `target` (absent or empty). The copy is as of the
 * end of the backup, complete or recognizably unfinished, on the disk when this returns, and a data directory
 * itself: its first start opens a new timeline, so that nobody takes it for the original. Throws `EmbeddedRefusal`.
 */
export async function backup(options: { dataDir: string; target: string }): Promise<Backup> {
  const startedMs = performance.now();
  const source = layoutOf(resolve(options.dataDir));
  const client = await connect(source.root);
  try {
    refuseTablespaces(source);
    const target = makeTarget(resolve(options.target), source.root);
    await copyInto(target, source, client);
    return { directory: target, bytes: sizeOf(target), tookMs: Math.round(performance.now() - startedMs) };
  } finally {
    await client.end().catch(() => {});
  }
}

async function copyInto(target: string, source: Layout, client: pg.Client): Promise<void> {
  const inWork = join(target, "backup.unfinished");
  try {
    await keepWal(client);
    await client.query("SELECT pg_backup_start('whispr-msg', fast => true)");
    mkdirSync(inWork, { mode: 0o700 });
    await copyBelow(source.database, inWork, "");
    await copyControlFile(source.database, inWork);
    await finish(client, source.database, inWork);
    handOver(source.root, target);
    syncTree(inWork);
    renameSync(inWork, layoutOf(target).database);
    syncDirectory(target);
    syncDirectory(dirname(target));
  } catch (error) {
    await rm(inWork, { recursive: true, force: true });
    throw ofTarget(error, target);
  }
}

/** Errors of PostgreSQL have codes as well; those of the system are words. */
function ofTarget(error: unknown, target: string): unknown {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return targetRefusal(target, "has no room for the copy: its disk is full", "Name one on another disk");
  return /^E[A-Z]+$/.test(code) ? targetRefusal(target, `cannot be written (${code})`) : error;
}

async function connect(dataDir: string): Promise<pg.Client> {
  const settings = { url: embeddedUrl(dataDir), connectTimeoutMs, statementTimeoutMs: 0 };
  try {
    return await openClient(settings, "backup", () => {});
  } catch (error) {
    throw new EmbeddedRefusal({
      code: "not_running",
      directory: dataDir,
      problem: `its PostgreSQL does not answer (${codeOf(error) || String(error)})`,
      wayOut:
        "Start whispr-msg with this WHISPR_DATA_DIR; a directory that is not in use may simply be copied",
    });
  }
}

function makeTarget(target: string, source: string): string {
  if (`${target}/`.startsWith(`${source}/`))
    throw targetRefusal(target, "lies in the directory that it is a copy of");
  refuseUnsafePath(target);
  try {
    mkdirSync(target, { recursive: true, mode: 0o700 });
    if (readdirSync(target).length === 0) return target;
  } catch (error) {
    throw targetRefusal(target, `cannot be written (${codeOf(error)})`);
  }
  throw targetRefusal(target, "is not empty");
}

function targetRefusal(
  directory: string,
  problem: string,
  wayOut = "Name a directory that does not exist yet",
): EmbeddedRefusal {
  return new EmbeddedRefusal({
    code: "backup_target",
    directory,
    problem,
    wayOut,
  });
}

/** What lies in a tablespace is not below the data directory; nothing of ours makes one. */
function refuseTablespaces({ database, root }: Layout): void {
  if (readdirSync(join(database, "pg_tblspc")).length === 0) return;
  throw new EmbeddedRefusal({
    code: "backup_impossible",
    directory: root,
    problem: "its database has tablespaces outside of the data directory, which this backup does not follow",
    wayOut: "Move their tables back (ALTER TABLE … SET TABLESPACE pg_default) and drop them",
  });
}

/** A slot that ends with the connection: no checkpoint may take away WAL that the copy will need, however long it takes. */
async function keepWal(client: pg.Client): Promise<void> {
  const name = `whispr_backup_${process.pid}`;
  await client.query(
    "SELECT pg_create_physical_replication_slot($1, immediately_reserve => true, temporary => true)",
    [name],
  );
}

async function copyBelow(from: string, to: string, below: string): Promise<void> {
  const files: string[] = [];
  for (const entry of readdirSync(join(from, below), { withFileTypes: true })) {
    const name = join(below, entry.name);
    if (leftOut.test(entry.name) || name === controlFile) continue;
    if (entry.isFile()) files.push(name);
    if (!entry.isDirectory()) continue;
    mkdirSync(join(to, name), { mode: 0o700 });
    if (!leftEmpty.has(name)) await copyBelow(from, to, name);
  }
  await inTurns(files, (name) => copyOne(join(from, name), join(to, name)));
}

/** A file that is dropped meanwhile is one that the WAL drops too. */
async function copyOne(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || existsSync(from)) throw error;
  }
}

/** Written in place now and then: two equal readings are one that was not torn. */
async function copyControlFile(from: string, to: string): Promise<void> {
  let last = await readFile(join(from, controlFile));
  for (;;) {
    const next = await readFile(join(from, controlFile));
    if (next.equals(last)) return writeOwn(join(to, controlFile), next);
    last = next;
  }
}

async function writeOwn(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
}

/** The WAL is copied after the stop, so that it holds everything up to it. */
async function finish(client: pg.Client, from: string, to: string): Promise<void> {
  const { rows } = await client.query<StopRow>(
    `SELECT labelfile, spcmapfile, pg_walfile_name(lsn) AS last
     FROM pg_backup_stop(wait_for_archive => false)`,
  );
  const [stopped] = rows;
  if (stopped === undefined) throw new Error("pg_backup_stop gave no row");
  const wal = readdirSync(join(from, "pg_wal")).filter((name) => walFile.test(name));
  await inTurns(wal, (name) => copyOne(join(from, "pg_wal", name), join(to, "pg_wal", name)));
  refuseHoles(to, firstWalFile(stopped.labelfile), stopped.last);
  await writeOwn(join(to, "backup_label"), stopped.labelfile);
  if (stopped.spcmapfile !== "") await writeOwn(join(to, "tablespace_map"), stopped.spcmapfile);
  await writeOwn(join(to, "recovery.signal"), "");
}

interface StopRow {
  readonly labelfile: string;
  readonly spcmapfile: string;
  readonly last: string;
}

function firstWalFile(label: string): string {
  return /^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)/m.exec(label)?.[1] ?? "";
}

/** The slot keeps the WAL; should it not have, better no backup than one that cannot be opened. */
function refuseHoles(to: string, first: string, last: string): void {
  const copied = readdirSync(join(to, "pg_wal")).filter((name) => name >= first && name <= last);
  const expected = first === "" ? Number.NaN : walNumber(last) - walNumber(first) + 1;
  if (copied.length === expected) return;
  throw new EmbeddedRefusal({
    code: "backup_impossible",
    directory: dirname(to),
    problem: `of the WAL files ${first} to ${last} only ${copied.length} of ${expected} could be copied`,
    wayOut: "Try again; the database itself is untouched",
  });
}

/** A name is timeline, then the high and the low 32 bits of the position; a file holds 16 MB, so the low part ends at FF. */
function walNumber(name: string): number {
  return Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16), 16);
}

/** As root: the copy belongs to who owns the original, so that the same user can start it. */
function handOver(source: string, target: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(source);
  for (const name of [target, ...entriesBelow(target)]) chownSync(name, uid, gid);
}

function entriesBelow(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name));
}

function sizeOf(directory: string): number {
  return entriesBelow(directory).reduce((sum, path) => sum + statSync(path).size, 0);
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: copiesAtOnce }, worker));
}
