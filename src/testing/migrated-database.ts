import pg from "pg";
import type { DatabaseSettings } from "../store/database.ts";
import { migrate } from "../store/migrator.ts";
import { testDatabase } from "./database.ts";

/** A migrated database of its own, with a connection to look into it and to interfere from outside. */
export interface MigratedDatabase {
  readonly url: string;
  readonly settings: DatabaseSettings;
  readonly sql: <Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly close: () => Promise<void>;
}

export async function migratedDatabase(): Promise<MigratedDatabase> {
  const { url, close } = await testDatabase();
  await migrate({ url, direction: "up" });
  const settings = { url, poolSize: 4, connectTimeoutMs: 2_000, statementTimeoutMs: 2_000 };
  const outside = new pg.Pool({ connectionString: url, max: 4 });
  outside.on("error", () => {});
  return {
    url,
    settings,
    async sql<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      return (await outside.query<Row>(text, [...values])).rows;
    },
    async close() {
      await outside.end();
      await close();
    },
  };
}
