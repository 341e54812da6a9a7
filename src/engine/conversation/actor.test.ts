import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  type MigratedDatabase,
  migratedDatabase,
  startNode,
} from "../../testing/model/engine-on-postgres.ts";

let database: MigratedDatabase;

beforeAll(async () => {
  database = await migratedDatabase();
}, 120_000);

afterAll(() => database.close());

test("I11: a rule that throws costs its own command; the conversation and the stop go on", async () => {
  const node = startNode(database.settings);
  await node.owns();
  const { id, anna } = await node.aTalk();
  const send = (given: object = {}) => node.send({ conversationId: id, senderId: anna, ...given });
  const without = { type: "no command that anybody knows" };
  const answers = await Promise.all([send(), send(without), send()]);
  expect(answers).toMatchObject([
    { type: "done", events: [{ seq: 1 }] },
    { type: "rejection", code: "internal" },
    { type: "done", events: [{ seq: 2 }] },
  ]);
  expect(node.notes.bugs).toMatchObject([{ where: "deciding a command" }]);
  await node.stop();
});
