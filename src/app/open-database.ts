import type { DatabaseSettings } from "../store/connections/database.ts";
import { findLacks } from "../store/connections/session-checks.ts";
import { DiskSpace } from "../store/embedded/disk-space.ts";
import { EmbeddedPostgres } from "../store/embedded/embedded-postgres.ts";
import { Orphans } from "../store/embedded/orphans.ts";
import { checkSchema, migrate } from "../store/schema/migrator.ts";
import { checkDatabase } from "../store/schema/store-checks.ts";
import { systemClock } from "../system.ts";
import type { Startup } from "./startup.ts";

export interface OpenDatabase {
  readonly settings: DatabaseSettings;
  /** The disk of the embedded database; null: the database is another one. */
  readonly disk: DiskSpace | null;
}

/** Opens a database that may be served on: reached, fit, with its schema in place. What may be mended while serving is only warned of. */
export async function openDatabase(startup: Startup, mayMigrate: boolean): Promise<OpenDatabase> {
  const { config, version, observer } = startup;
  const isEmbedded = config.database.type === "embedded";
  const url = await databaseUrl(startup);
  const disk = isEmbedded ? await openDisk(startup) : null;
  await checkDatabase(url);
  if (isEmbedded || mayMigrate || config.autoMigrate) await migrateUp(startup, url);
  await checkSchema({ url, binary: version });
  const lacks = await findLacks(url, config.connections.poolSize);
  if (lacks.length > 0)
    observer.warn("database_session_lacks", { reason: lacks.map(({ text }) => text).join(" ") });
  return { settings: { url, ...config.connections }, disk };
}

async function migrateUp({ logger }: Startup, url: string): Promise<void> {
  const onProgress = (progress: string) => logger.info("migrating", { progress });
  for (const step of await migrate({ url, direction: "up", onProgress }))
    logger.info("migrated", { ...step });
}

async function openDisk({ config, observer, opened }: Startup): Promise<DiskSpace> {
  const disk = new DiskSpace({ directory: config.dataDir, clock: systemClock, observer });
  opened.defer(() => disk.stop());
  await disk.start();
  observer.gauge("disk_free_bytes", () => disk.freeBytes);
  return disk;
}

async function databaseUrl({ config, logger, opened }: Startup): Promise<string> {
  const { database, dataDir, postgresUser: user } = config;
  if (database.type === "postgres") {
    // This process starts no other one, so all that it may have to wait for are orphans.
    const orphans = new Orphans(() => []);
    opened.defer(() => orphans.stop());
    return database.url;
  }
  const postgres = await EmbeddedPostgres.start({ dataDir, user, logger });
  opened.defer(() => postgres.stop());
  return postgres.url;
}
