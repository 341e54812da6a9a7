import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ReadHistory } from "../../core/queries.ts";
import { newId } from "../../system.ts";
import { baseUs, StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/processes/counting-pool.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { openPool } from "../connections/database.ts";
import { PostgresViewerReads } from "./viewer-reads.ts";

let database: MigratedDatabase;
let pool: ReturnType<typeof openPool>;
let counting: CountingPool;
let reads: PostgresViewerReads;
beforeAll(async () => {
  database = await migratedDatabase();
  pool = openPool(database.settings, () => {});
  counting = new CountingPool({ pool });
  reads = new PostgresViewerReads({ reads: counting });
}, 120_000);

afterAll(async () => {
  await pool.end();
  await database.close();
});

function historyOf(conversationId: string, viewerId: string, given: Partial<ReadHistory> = {}) {
  return reads.readHistory({
    type: "read_history",
    viewerId,
    conversationId,
    before: null,
    after: null,
    limit: 50,
    ...given,
  });
}

test("what is unread is counted to a thousand, and one's own messages are not looked at for ever", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna, ben]);
  await conversation.fill(ben, 1_200);
  await conversation.fill(anna, 30_000);
  await database.sql("analyze messages");
  const { summary } = await reads.showConversation(anna, conversation.id);
  expect(summary?.unreadCount).toBe(1_000);
  expect((await reads.showConversation(ben, conversation.id)).summary?.unreadCount).toBe(1_000);
  await conversation.mark(anna, 1_200, 1_200);
  expect((await reads.showConversation(anna, conversation.id)).summary?.unreadCount).toBe(0);
  expect(await counting.pagesOfLast()).toBeLessThan(2_000);
});

test("a page at the end of a long log looks at a handful of pages, by whatever cursor", async () => {
  const anna = newId();
  const conversation = await StoredConversation.of(database, [anna]);
  await conversation.fill(anna, 20_000);
  await database.sql("analyze messages");
  const cursors: Partial<ReadHistory>[] = [
    {},
    { before: { by: "seq", seq: 10_000 } },
    { after: { by: "id", id: conversation.messageIds[9_000]! } },
    { before: { by: "time", timeUs: baseUs + 15_000 } },
  ];
  for (const cursor of cursors) {
    expect((await historyOf(conversation.id, anna, { ...cursor, limit: 20 })).messages).toHaveLength(20);
    expect(await counting.pagesOfLast()).toBeLessThan(150);
  }
});
