import { rm } from "node:fs/promises";
import { prepareDataDirectory } from "../src/store/embedded/data-directory.ts";
import { killHolders } from "../src/store/embedded/end-holders.ts";
import { descriptionOf, FileLock } from "../src/store/embedded/file-lock.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";

/** Removes the embedded database, not what was unpacked. Refused while another whispr-msg works on it; an orphaned PostgreSQL is ended. */
export async function resetDataDirectory(dataDir: string): Promise<void> {
  const layout = prepareDataDirectory(dataDir);
  const owner = FileLock.tryTake(layout.ownerLock);
  if (!owner) throw inUse(layout.root, descriptionOf(layout.ownerLock));
  try {
    const postgres = await killHolders(layout.postgresLock);
    for (const path of [layout.database, layout.databaseInWork, layout.log]) {
      await rm(path, { recursive: true, force: true });
    }
    postgres.release();
  } finally {
    owner.release();
  }
}

function inUse(directory: string, owner: string): CommandRefused {
  const who = owner === "" ? "another whispr-msg" : owner;
  return new CommandRefused(`${directory} is in use by ${who}: stop it, then reset.`, exitCodes.taken);
}
