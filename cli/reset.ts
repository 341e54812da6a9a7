import { existsSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { Directory, removeEntry } from "../src/store/embedded/by-descriptor.ts";
import { prepareDataDirectory } from "../src/store/embedded/data-directory.ts";
import { killHolders } from "../src/store/embedded/end-holders.ts";
import { descriptionOf, FileLock } from "../src/store/embedded/file-lock.ts";
import { confirm } from "./confirm.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { sizeText } from "./print.ts";

/**
 * Removes the embedded database but not the unpacked programs. Asks first, unless `isSure` or there is no database. Refused while another
 * whispr-msg uses it; an orphaned PostgreSQL is killed.
 */
export async function resetDataDirectory(
  dataDir: string,
  options: { readonly isSure: boolean },
): Promise<void> {
  const layout = prepareDataDirectory(dataDir);
  const owner = FileLock.tryTake(layout.ownerLock);
  if (!owner) throw inUse(layout.root, descriptionOf(layout.ownerLock));
  try {
    if (existsSync(layout.database))
      await confirm(`--reset removes ${await describe(layout.database)}.`, options);
    const postgres = await killHolders(layout.postgresLock);
    using directory = Directory.open(layout.root);
    for (const path of [layout.database, layout.databaseInWork, layout.log])
      removeEntry(directory, basename(path));
    postgres.release();
  } finally {
    owner.release();
  }
}

async function describe(database: string): Promise<string> {
  const files = await readdir(database, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => sizeOf(join(parentPath, name)));
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  return `the embedded database in ${database} with all conversations and messages (${sizeText(bytes)})`;
}

/** 0: it is gone by now. */
async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  return found?.size ?? 0;
}

function inUse(directory: string, owner: string): CommandRefused {
  const who = owner === "" ? "another whispr-msg" : owner;
  return new CommandRefused(`${directory} is in use by ${who}: stop it, then reset.`, exitCodes.taken);
}
