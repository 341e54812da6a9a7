import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { chmod, copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Directory, removeEntry } from "./by-descriptor.ts";
import { archiveName, carriedFiles, nativeDirectory, treeName, treeNamePattern } from "./carried.ts";
import { syncFileSystem } from "./libc.ts";
import { diskFull } from "./refusal.ts";

const inWorkSuffix = ".new";
/** Less than the largest of the files that are unpacked. */
const fullBelowBytes = 32 << 20;

/**
 * The carried PostgreSQL, unpacked below `parent` under its version: complete or absent, also after a power loss. It lies in the
 * data directory because that is the one place known to be writable, ours alone, and gone when the data is. Only this process's user can
 * write there (`adopt.ts`), so what is found was unpacked by it; PostgreSQL's user reads and runs it.
 */
export async function unpackTree(parent: string): Promise<string> {
  const tree = join(parent, treeName);
  if (existsSync(tree)) return tree;
  const inWork = tree + inWorkSuffix;
  rmSync(inWork, { recursive: true, force: true });
  try {
    await fill(inWork);
    await permit(inWork);
    syncTree(inWork);
  } catch (error) {
    const isFull = freeBytes(parent) < fullBelowBytes;
    rmSync(inWork, { recursive: true, force: true });
    throw isFull ? diskFull(parent) : error;
  }
  renameSync(inWork, tree);
  syncDirectory(parent);
  return tree;
}

/** Unpacking an archive fails without the reason: a full disk shows in what is free. */
function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** What a killed start or an earlier version left. Only for who holds both locks. */
export function removeOtherTrees(parent: string): void {
  using directory = Directory.open(parent);
  for (const { name } of directory.entries()) {
    const inWork = name.endsWith(inWorkSuffix);
    const plain = inWork ? name.slice(0, -inWorkSuffix.length) : name;
    if (!treeNamePattern.test(plain) || name === treeName) continue;
    removeEntry(directory, name);
  }
}

async function fill(tree: string): Promise<void> {
  const archive = Bun.embeddedFiles.find((file) => "name" in file && String(file.name).endsWith(archiveName));
  if (archive === undefined) return copyCarried(tree);
  const tar = await Bun.zstdDecompress(await archive.bytes());
  await new Bun.Archive(tar).extract(tree);
}

async function copyCarried(tree: string): Promise<void> {
  const files = carriedFiles(nativeDirectory());
  for (const directory of new Set(files.map((file) => dirname(file.target)))) {
    mkdirSync(join(tree, directory), { recursive: true });
  }
  await Promise.all(
    files.map((file) => copyFile(file.source, join(tree, file.target), constants.COPYFILE_FICLONE)),
  );
}

/** Readable for the user that PostgreSQL runs as, whatever our umask is. */
async function permit(tree: string): Promise<void> {
  const entries = readdirSync(tree, { recursive: true, withFileTypes: true });
  const permitted = entries.map((entry) => {
    const executable = entry.isDirectory() || entry.parentPath === join(tree, "bin");
    return chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
  });
  await Promise.all([...permitted, chmod(tree, 0o755)]);
}

/** Makes all that lies in a directory durable. */
export function syncTree(path: string): void {
  const fd = openSync(path, "r");
  try {
    if (!syncFileSystem(fd)) throw new Error(`${path} could not be written to its disk`);
  } finally {
    closeSync(fd);
  }
}

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
