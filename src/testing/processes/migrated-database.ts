import type pg from "pg";
import type { DatabaseSettings } from "../../store/connections/database.ts";
import { migrate } from "../../store/schema/migrator.ts";
import { testDatabase } from "./database.ts";
import { makeHostile } from "./hostile-settings.ts";
import { outsidePool } from "./outside.ts";

/** A migrated database of its own, with a connection to look into it and to interfere from outside. */
export interface MigratedDatabase {
  readonly url: string;
  readonly settings: DatabaseSettings;
  readonly sql: <Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly close: () => Promise<void>;
}

/** `isHostile`: the database's own settings are others than ours wherever they could be. */
export async function migratedDatabase(
  given: { readonly isHostile?: boolean } = {},
): Promise<MigratedDatabase> {
  const { url, close } = await testDatabase();
  if (given.isHostile) await makeHostile(url);
  await migrate({ url, direction: "up" });
  const settings = { url, poolSize: 4, connectTimeoutMs: 10_000, statementTimeoutMs: 10_000 };
  const outside = outsidePool(url);
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
