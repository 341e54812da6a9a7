import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../src/config.ts";
import { embeddedUrl } from "../src/store/embedded/connection.ts";
import { EmbeddedPostgres } from "../src/store/embedded/embedded-postgres.ts";
import { layoutOf } from "../src/store/embedded/layout.ts";
import { EmbeddedRefusal } from "../src/store/embedded/refusal.ts";
import { CommandRefused } from "./exit-codes.ts";
import { explained } from "./explain.ts";
import { warningsOnly } from "./print.ts";

/** Runs `work` with the database of these settings. A failure ends the command with a sentence that explains it. */
export function withDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const { database } = config;
  return explained(config, () =>
    database.type === "postgres" ? work(database.url) : withEmbedded(config, work),
  );
}

/** Like `withDatabase`, but never creates an embedded database: one that is inspected must exist. */
export function withExistingDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const { database, dataDir } = config;
  if (database.type === "embedded" && !existsSync(layoutOf(dataDir).database)) {
    throw new CommandRefused(
      `${resolve(dataDir)} has no database. Name the directory of your whispr-msg with --data-dir (or WHISPR_DATA_DIR), or your own PostgreSQL with --database-url (or DATABASE_URL).`,
    );
  }
  return withDatabase(config, work);
}

/** Returns the embedded database of a running whispr-msg, or starts it for the time of the work. */
async function withEmbedded<T>(
  { dataDir, postgresUser: user }: Config,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const running = runningUrl(dataDir);
  if (running !== null) return work(running);
  const postgres = await EmbeddedPostgres.start({ dataDir, user, logger: warningsOnly });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
  }
}

function runningUrl(dataDir: string): string | null {
  try {
    return embeddedUrl(dataDir);
  } catch (error) {
    if (error instanceof EmbeddedRefusal && error.code === "not_running") return null;
    throw error;
  }
}
