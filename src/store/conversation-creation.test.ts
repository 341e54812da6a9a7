import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../system.ts";
import { startUs } from "../testing/builders/changes.ts";
import { startWriter, type Writer } from "../testing/processes/writer-on-postgres.ts";

let writer: Writer;
beforeAll(async () => {
  writer = await startWriter();
}, 120_000);
afterAll(() => writer.close());

test("a group of a thousand is one statement", async () => {
  const { id, members } = await writer.aGroup(1_000);
  expect(new Set(members).size).toBe(1_000);
  const [row] = await writer.database.sql(
    "select count(*)::int as members from conversation_members where conversation_id = $1",
    [id],
  );
  expect(row).toEqual({ members: 1_000 });
});

describe("what creates no group writes nothing, whomever it names:", () => {
  const creation = (id: string, creatorId: string, otherUserIds: readonly string[]) =>
    writer.creation.createGroup({
      type: "create_group",
      id,
      creatorId,
      otherUserIds,
      metadata: "{}",
      atUs: startUs,
    });
  const pairsOf = (userId: string) =>
    writer.database.sql("select from direct_pairs where low_id = $1 or high_id = $1", [userId]);

  test("the creation of a group that is there already", async () => {
    const [id, anna] = [newId(), newId()];
    await creation(id, anna, [newId()]);
    const made = await creation(id, anna, [newId(), newId(), newId()]);
    expect(made).toMatchObject({ type: "exists", created: false });
    expect(await pairsOf(anna)).toHaveLength(1);
  });

  test("a creation that a block refuses", async () => {
    const [anna, ben] = [newId(), newId()].sort() as [string, string];
    const block = "insert into direct_pairs (low_id, high_id, low_blocks_since) values ($1, $2, now())";
    await writer.database.sql(block, [anna, ben]);
    const made = await creation(newId(), ben, [newId(), anna, newId()]);
    expect(made).toEqual({ type: "blocked", by: "others", userIds: [anna] });
    expect(await pairsOf(ben)).toHaveLength(1);
  });
});
