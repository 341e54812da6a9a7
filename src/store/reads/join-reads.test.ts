import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/processes/counting-pool.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { openPool } from "../connections/database.ts";
import { PostgresSyncReads } from "./sync-reads.ts";

let database: MigratedDatabase;
let pool: ReturnType<typeof openPool>;
let counting: CountingPool;
let reads: PostgresSyncReads;

beforeAll(async () => {
  database = await migratedDatabase();
  pool = openPool(database.settings, () => {});
  counting = new CountingPool({ pool });
  reads = new PostgresSyncReads({ reads: counting });
}, 120_000);

afterAll(async () => {
  await pool.end();
  await database.close();
});

async function seen(userId: string, deviceId: string, generation = 1): Promise<void> {
  await database.sql(
    "insert into devices (user_id, device_id, generation, first_seen_at) values ($1, $2, $3, now())",
    [userId, deviceId, generation],
  );
}

async function standingsOf(viewerId: string, deviceId: string | null) {
  const { users } = await reads.joinFacts([], [{ viewerId, deviceId }]);
  return users[0]!.standings;
}

test("a user of 500 conversations joins with one row", async () => {
  const anna = newId();
  const conversations = await Promise.all(
    Array.from({ length: 500 }, () => StoredConversation.of(database, [anna])),
  );
  await seen(anna, "phone");
  counting.queries = 0;
  const standings = await standingsOf(anna, "phone");
  expect(counting.queries).toBe(1);
  expect(new Set(standings.map(({ conversationId }) => conversationId))).toEqual(
    new Set(conversations.map(({ id }) => id)),
  );
}, 180_000);
