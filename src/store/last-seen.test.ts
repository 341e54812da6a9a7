import { afterAll, beforeAll, test } from "bun:test";
import { newId } from "../system.ts";
import { startUs } from "../testing/builders/changes.ts";
import { startWriter, type Writer } from "../testing/processes/writer-on-postgres.ts";
import { PostgresLastSeen } from "./last-seen.ts";

let writer: Writer;
let lastSeen: PostgresLastSeen;
beforeAll(async () => {
  writer = await startWriter();
  lastSeen = new PostgresLastSeen({ reads: writer.reads });
}, 120_000);
afterAll(() => writer.close());

test("two statements over the same users, in whatever order, do not wait for each other for ever", async () => {
  const users = Array.from({ length: 500 }, () => newId());
  const saves = Array.from({ length: 20 }, (_, index) => {
    const order = index % 2 ? users : [...users].reverse();
    return lastSeen.save(new Map(order.map((userId) => [userId, startUs + index])));
  });
  await Promise.all(saves);
});
