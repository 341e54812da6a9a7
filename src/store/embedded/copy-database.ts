import { closeSync, mkdirSync, readSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Directory } from "./by-descriptor.ts";
import { codeOf, unsafeEntry } from "./refusal.ts";

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
const copiesAtOnce = 4;
const longestControlFile = 64 * 1024;

/** All of a database that runs but its WAL, which is copied at the end of the backup. */
export async function copyDatabase(from: Directory, to: string): Promise<void> {
  await copyBelow(from, to, "");
  await copyControlFile(from, to);
}

/**
 * Copies plain files of PostgreSQL's user. That user may swap any of them for a link, or give a file of ours a second name there, while we
 * copy: what is opened is looked at, and what is copied is what was opened.
 */
async function copyBelow(from: Directory, to: string, below: string): Promise<void> {
  const files: string[] = [];
  for (const entry of from.entries()) {
    const name = join(below, entry.name);
    if (leftOut.test(entry.name) || name === controlFile) continue;
    if (entry.isFile()) files.push(entry.name);
    else if (!entry.isDirectory()) throw unsafeEntry(`${from.path}/${entry.name}`, "is a link or a device");
    else await copyDirectory(from, entry.name, to, below);
  }
  await copyFiles(from, files, join(to, below));
}

export async function copyFiles(from: Directory, names: readonly string[], to: string): Promise<void> {
  await inTurns(names, (name) => copyOne(from, name, join(to, name)));
}

async function copyDirectory(from: Directory, entry: string, to: string, below: string): Promise<void> {
  const name = join(below, entry);
  mkdirSync(join(to, name), { mode: 0o700 });
  if (leftEmpty.has(name)) return;
  using child = openIfThere(from, entry);
  if (child === null) return;
  if (child.stat().uid !== from.stat().uid)
    throw unsafeEntry(child.path, `belongs to user ${child.stat().uid}`);
  await copyBelow(child, to, name);
}

function openIfThere(from: Directory, name: string): Directory | null {
  try {
    return from.openDirectory(name);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** A file that is dropped meanwhile is one that the WAL drops too. */
async function copyOne(from: Directory, name: string, to: string): Promise<void> {
  const opened = openOwned(from, name);
  if (opened === null) return;
  try {
    await copyFile(`/proc/self/fd/${opened.fd}`, to);
  } finally {
    closeSync(opened.fd);
  }
}

function openOwned(from: Directory, name: string): ReturnType<Directory["openFile"]> | null {
  const opened = openFileIfThere(from, name);
  if (opened === null) return null;
  const { uid, nlink } = opened.stat;
  if (uid === from.stat().uid && nlink <= 1) return opened;
  closeSync(opened.fd);
  throw unsafeEntry(`${from.path}/${name}`, nlink > 1 ? "has a second name" : `belongs to user ${uid}`);
}

function openFileIfThere(from: Directory, name: string): ReturnType<Directory["openFile"]> | null {
  try {
    return from.openFile(name);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Written in place now and then: two equal readings are one that was not torn. */
async function copyControlFile(from: Directory, to: string): Promise<void> {
  using directory = from.openDirectory(dirname(controlFile));
  let last = readOwned(directory, basename(controlFile));
  for (;;) {
    const next = readOwned(directory, basename(controlFile));
    if (next.equals(last)) return writeOwn(join(to, controlFile), next);
    last = next;
  }
}

function readOwned(from: Directory, name: string): Buffer {
  const opened = openOwned(from, name);
  if (opened === null) throw new Error(`${from.path}/${name} is missing`);
  try {
    const content = Buffer.alloc(longestControlFile);
    return content.subarray(0, readSync(opened.fd, content, 0, content.length, 0));
  } finally {
    closeSync(opened.fd);
  }
}

export async function writeOwn(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: copiesAtOnce }, worker));
}
