import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import pg from "pg";
import { newId } from "../system.ts";
import {
  type MigratedDatabase,
  migratedDatabase,
  type Node,
  startNode,
} from "../testing/engine-on-postgres.ts";
import { PostgresActorReads } from "./actor-reads.ts";
import { openPool, ReadPool } from "./database.ts";

/**
 * Plans are generic and are made once per connection, on tables that may be empty at that moment: each must be good for any size.
 * So the statements are taken from an engine at work and planned on the empty database.
 */
const statements = new Map<string, string>();
let database: MigratedDatabase;
let node: Node;

beforeAll(async () => {
  database = await migratedDatabase();
  const query = spyOn(pg.Client.prototype, "query");
  node = startNode(database.settings);
  await node.owns();
  await useEverything();
  for (const [asked] of query.mock.calls as unknown as [unknown][]) {
    const { name, text } = (asked ?? {}) as { name?: string; text?: string };
    if (name && text) statements.set(name, text);
  }
  query.mockRestore();
  await node.stop();
  await database.sql("truncate messages, conversation_heads, conversation_members, conversations");
}, 60_000);
afterAll(() => database.close());

async function useEverything(): Promise<void> {
  const { id, anna } = await node.aTalk();
  const own = { conversationId: id, senderId: anna };
  for (let key = 0; key < 300; key++) await node.send({ ...own, clientRandom: key });
  await node.send({ ...own, clientRandom: 0 });
  await database.sql("update messages set sent_at = sent_at - interval '25 hours' where seq = 2");
  await node.send({ ...own, clientRandom: 1 });
  const pool = openPool(database.settings, () => {});
  await new PostgresActorReads({ reads: new ReadPool({ pool }) }).findStored([newId()]);
  await pool.end();
  const { queries, joins } = node.engine;
  await joins.ask({ viewerId: anna, conversationId: id });
  await queries.list({ type: "list_conversations", viewerId: anna, limit: 50, offset: 0 });
  const cursors = [
    null,
    { by: "seq", seq: 9 },
    { by: "id", id: newId() },
    { by: "time", timeUs: 1_767_225_600_000_000 },
  ] as const;
  for (const before of cursors)
    for (const after of cursors)
      await queries.history({
        type: "read_history",
        viewerId: anna,
        conversationId: id,
        before,
        after,
        limit: 50,
      });
}

async function planOf(text: string): Promise<string> {
  const pool = openPool(database.settings, () => {});
  const client = await pool.connect();
  try {
    const parameters = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
    await client.query(`prepare planned as ${text}`);
    const values = Array(parameters).fill("null").join(", ");
    const { rows } = await client.query(`explain execute planned(${values})`);
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  } finally {
    client.release();
    await pool.end();
  }
}

test("every statement of the hot path is known by name, so that it is planned once", () => {
  expect([...statements.keys()].filter((name) => !name.startsWith("history-")).sort()).toEqual([
    "append",
    "append-releasing",
    "create-direct",
    "find-keys",
    "find-stored",
    "join-facts",
    "list-conversations",
    "load-conversations",
    "read-messages",
    "show-conversation",
  ]);
  expect([...statements.keys()].filter((name) => name.startsWith("history-"))).toHaveLength(16);
});

test("no statement scans a table that grows, not even when it was planned while the tables were empty", async () => {
  const scans: string[] = [];
  for (const [name, text] of statements) {
    const plan = await planOf(text);
    const found = plan.match(/Seq Scan on (?:messages|conversation)\w*/g) ?? [];
    for (const scan of new Set(found)) scans.push(`${name}: ${scan}`);
  }
  expect(scans).toEqual([]);
});
