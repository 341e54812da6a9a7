import { afterAll, beforeAll, expect, test } from "bun:test";
import { getTableName, is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { type MigratedDatabase, migratedDatabase } from "../../testing/model/engine-on-postgres.ts";
import * as schema from "./schema.ts";

let database: MigratedDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
}, 120_000);
afterAll(() => database.close());

const tables = Object.values(schema).filter((each) => is(each, PgTable));

/** As information_schema names it. */
function typeInSql(type: string): string {
  return type === "timestamp(6) with time zone" ? "timestamp with time zone" : type;
}

test("the schema in TypeScript has exactly the tables and columns that the migrations make", async () => {
  const migrated = await database.sql(
    `select table_name as "table", column_name as "column", data_type as type, is_nullable = 'NO' as "notNull"
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = 'public' and table_type = 'BASE TABLE' and table_name !~ '^messages_p[0-9]+$' and table_name <> 'schema_migrations'
    order by 1, 2`,
  );
  const written = tables
    .flatMap((table) =>
      getTableConfig(table).columns.map((column) => ({
        table: getTableName(table),
        column: column.name,
        type: typeInSql(column.getSQLType()),
        notNull: column.notNull,
      })),
    )
    .sort((one, other) => (one.table + one.column < other.table + other.column ? -1 : 1));
  const inOrder = migrated.sort((one, other) =>
    `${one.table}${one.column}` < `${other.table}${other.column}` ? -1 : 1,
  );
  expect(inOrder).toEqual(written);
});

test("the keys that keep promises are there: one message per seq, one conversation per pair, one use of a key, one epoch", async () => {
  const rows = await database.sql<{ def: string }>(
    "select indexdef as def from pg_indexes where schemaname = 'public' and indexdef like 'CREATE UNIQUE%'",
  );
  const unique = rows.map(({ def }) => def.replace(/^.* ON (?:ONLY )?public\.(\S+) USING btree /, "$1 "));
  for (const key of [
    "messages (conversation_id, seq)",
    "messages (conversation_id, sender_id, dedup_key)",
    "conversations (direct_low, direct_high)",
    "conversation_members (conversation_id, user_id)",
    "conversation_heads (conversation_id)",
    "conversation_ownership (shard, epoch)",
    "delivery_statuses (conversation_id, user_id, kind, from_seq)",
    "conversation_settings (user_id, conversation_id)",
    "devices (user_id, device_id)",
    "device_cursors (user_id, device_id, conversation_id)",
    "store_generation (is_only)",
    "user_last_seen (user_id)",
  ])
    expect(unique).toContain(key);
});
