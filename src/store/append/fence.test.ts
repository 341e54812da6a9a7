import { afterAll, beforeAll, expect, test } from "bun:test";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId } from "../../system.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/model/engine-on-postgres.ts";
import { takeAll, takeSome } from "./fence.ts";

let database: MigratedDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
}, 120_000);
afterAll(() => database.close());

test("SQL and TypeScript agree on every conversation's shard", async () => {
  const ids = Array.from({ length: 5_000 }, (_, index) => (index % 2 ? newId() : crypto.randomUUID()));
  const rows = await database.sql<{ id: string; shard: number }>(
    `select id, (get_byte(uuid_send(id), 14) & 15) * 256 + get_byte(uuid_send(id), 15) as shard
    from unnest($1::uuid[]) id`,
    [ids],
  );
  for (const { id, shard } of rows) expect(shard).toBe(shardOf(id));
  expect(rows).toHaveLength(5_000);
});

test("I4: taking everything gives each of the 4,096 shards a new epoch and this node's name", async () => {
  const node = newId();
  const taken = await database.sql<{ shard: number; epoch: string }>(takeAll, [node]);
  expect(taken).toHaveLength(4_096);
  const again = await database.sql<{ shard: number; epoch: string }>(takeAll, [node]);
  const before = new Map(taken.map((row) => [row.shard, Number(row.epoch)]));
  for (const { shard, epoch } of again) expect(Number(epoch)).toBe(before.get(shard)! + 1);
  const [owners] = await database.sql(
    "select count(distinct node)::int as nodes, min(node::text) as node from conversation_ownership",
  );
  expect(owners).toEqual({ nodes: 1, node });
});

test("take-overs of the same shards in opposite orders wait for each other and never deadlock", async () => {
  const shards = Array.from({ length: 200 }, (_, index) => index * 3);
  const rounds = Array.from({ length: 40 }, (_, round) =>
    database.sql(takeSome, [newId(), round % 2 ? shards : shards.toReversed()]),
  );
  for (const taken of await Promise.all(rounds)) expect(taken).toHaveLength(200);
});
