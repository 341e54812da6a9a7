import {
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type pg from "pg";
import { openClient } from "../connections/database.ts";
import { Directory, type Owner } from "./by-descriptor.ts";
import { embeddedSuperuserUrl } from "./connection.ts";
import { copyDatabase, copyFiles, writeOwn } from "./copy-database.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { codeOf, EmbeddedRefusal, unsafeEntry } from "./refusal.ts";
import { refuseUnsafePath } from "./safe-path.ts";
import { makeTrusted } from "./trusted-path.ts";
import { syncDirectory, syncTree } from "./unpack.ts";

const walFile = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)$/;
const othersWrite = 0o022;
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
    using directory = Directory.open(realpathSync(source.root));
    await copyInto(target, directory, client);
    return { directory: target, bytes: sizeOf(target), tookMs: Math.round(performance.now() - startedMs) };
  } finally {
    await client.end().catch(() => {});
  }
}

async function copyInto(target: string, source: Directory, client: pg.Client): Promise<void> {
  const inWork = join(target, "backup.unfinished");
  try {
    await keepWal(client);
    await client.query("SELECT pg_backup_start('whispr-msg', fast => true)");
    mkdirSync(inWork, { mode: 0o700 });
    using database = openDatabase(source);
    await copyDatabase(database, inWork);
    await finish(client, database, inWork);
    syncTree(inWork);
    renameSync(inWork, layoutOf(target).database);
    handOver(source.stat(), target);
    syncDirectory(target);
    syncDirectory(dirname(target));
  } catch (error) {
    rmSync(inWork, { recursive: true, force: true });
    throw ofTarget(error, target);
  }
}

/** As another user's it would be given, as a copy, to whoever owns the directory. */
function openDatabase(source: Directory): Directory {
  const database = source.openDirectory(basename(layoutOf(source.path).database));
  const { uid } = database.stat();
  if (source.stat().uid === 0 || uid === source.stat().uid) return database;
  database[Symbol.dispose]();
  throw unsafeEntry(database.path, `belongs to user ${uid}`);
}

/** Errors of PostgreSQL have codes as well; those of the system are words. */
function ofTarget(error: unknown, target: string): unknown {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return targetRefusal(target, "has no room for the copy: its disk is full", "Name one on another disk");
  return /^E[A-Z]+$/.test(code) ? targetRefusal(target, `cannot be written (${code})`) : error;
}

async function connect(dataDir: string): Promise<pg.Client> {
  const settings = { url: embeddedSuperuserUrl(dataDir), connectTimeoutMs, statementTimeoutMs: 0 };
  try {
    return await openClient(settings, "backup", () => {});
  } catch (error) {
    throw notConnected(dataDir, codeOf(error) || String(error));
  }
}

/** `28000`: PostgreSQL knows this user, and does not let them in. */
function notConnected(directory: string, code: string): EmbeddedRefusal {
  if (code !== "28000")
    return new EmbeddedRefusal({
      code: "not_running",
      directory,
      problem: `its PostgreSQL does not answer (${code})`,
      wayOut:
        "Start whispr-msg with this WHISPR_DATA_DIR; a directory that is not in use may simply be copied",
    });
  return new EmbeddedRefusal({
    code: "backup_impossible",
    directory,
    problem: `its PostgreSQL does not let user ${process.getuid?.()} in`,
    wayOut: `Run this command as the user that serves it (${statSync(directory).uid})`,
  });
}

/** Nobody else may write it: they could put links where we write, and read what is written. */
function makeTarget(wanted: string, source: string): string {
  if (`${wanted}/`.startsWith(`${source}/`))
    throw targetRefusal(wanted, "lies in the directory that it is a copy of");
  refuseUnsafePath(wanted);
  const target = makeTrustedTarget(wanted);
  refuseOpenTarget(target);
  if (readdirSync(target).length > 0) throw targetRefusal(target, "is not empty");
  return target;
}

function makeTrustedTarget(wanted: string): string {
  try {
    return makeTrusted(wanted, 0o700);
  } catch (error) {
    if (!(error instanceof EmbeddedRefusal))
      throw targetRefusal(wanted, `cannot be written (${codeOf(error)})`);
    throw targetRefusal(error.directory, error.problem, "Name one whose parents only this user can write");
  }
}

function refuseOpenTarget(target: string): void {
  const { uid, mode } = statSync(target);
  if (uid !== process.getuid?.()) throw targetRefusal(target, `belongs to user ${uid}`);
  if (mode & othersWrite)
    throw targetRefusal(target, "may be written by others", `Close it to them (chmod go-w ${target})`);
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

/** The WAL is copied after the stop, so that it holds everything up to it. */
async function finish(client: pg.Client, from: Directory, to: string): Promise<void> {
  const { rows } = await client.query<StopRow>(
    `SELECT labelfile, spcmapfile, pg_walfile_name(lsn) AS last
     FROM pg_backup_stop(wait_for_archive => false)`,
  );
  const [stopped] = rows;
  if (stopped === undefined) throw new Error("pg_backup_stop gave no row");
  using directory = from.openDirectory("pg_wal");
  const wal = directory.entries().filter(({ name }) => walFile.test(name));
  await copyFiles(
    directory,
    wal.map(({ name }) => name),
    join(to, "pg_wal"),
  );
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

/**
 * As root, of a directory that another user serves: the copy belongs to that user, who can start it. The outermost directory comes last, so
 * that nobody else can reach what is below it before. What root serves stays root's, and is given to PostgreSQL's user when it is started.
 * `owner`: of the very directory that was copied; the path to it may be a link that somebody else made.
 */
function handOver({ uid, gid }: Owner, target: string): void {
  if (process.getuid?.() !== 0 || uid === 0) return;
  for (const name of entriesBelow(target)) lchownSync(name, uid, gid);
  chownSync(target, uid, gid);
}

function entriesBelow(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name));
}

function sizeOf(directory: string): number {
  return entriesBelow(directory).reduce((sum, path) => sum + lstatSync(path).size, 0);
}
