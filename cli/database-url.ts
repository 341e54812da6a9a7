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

/** Does something with the database of these settings, and tells what goes wrong in a sentence. */
export function withDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const { database } = config;
  return explained(config, () =>
    database.type === "postgres" ? work(database.url) : withEmbedded(config, work),
  );
}

/** As `withDatabase`, but an embedded database is not made where there is none: to look into, it must be there already. */
export function withExistingDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const { database, dataDir } = config;
  if (database.type === "embedded" && !existsSync(layoutOf(dataDir).database)) {
    throw new CommandRefused(
      `${resolve(dataDir)} holds no database. Name the directory of your whispr-msg with --data-dir (or WHISPR_DATA_DIR), or your own PostgreSQL with --database-url (or DATABASE_URL).`,
    );
  }
  return withDatabase(config, work);
}

/** The one that a running whispr-msg has, else one started for the time of the work. */
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
