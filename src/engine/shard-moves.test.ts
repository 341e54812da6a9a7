import { expect, test } from "bun:test";
import { shardOf } from "../core/ports/ownership.ts";
import { appendTo } from "../testing/model/commit.ts";
import { anEngine, deadlineMs } from "../testing/model/engine-on-model.ts";
import { otherNode } from "../testing/model/ownership.ts";

/** An engine with a conversation whose shard moves, and one whose shard stays. */
function twoShards(options: Parameters<typeof anEngine>[0] = {}) {
  const world = anEngine(options);
  const moving = world.aConversation();
  let staying = world.aConversation();
  while (shardOf(staying.id) === shardOf(moving.id)) staying = world.aConversation();
  const send = ({ id, anna }: typeof moving, content: string) =>
    world.submit({ conversationId: id, senderId: anna, content });
  return { ...world, moving, staying, shard: shardOf(moving.id), send };
}

test("I4: of shards that move one by one, only those that are held are decided for, and only what is gained is loaded afresh", async () => {
  const { clock, moving, staying, shard, ownership, send, contents, notes, model } = twoShards();
  for (const each of [moving, staying]) send(each, "1");
  await clock.runFor(100);
  ownership.lose([shard], otherNode);
  const [waiting, going] = [send(moving, "2"), send(staying, "2")];
  await clock.runFor(1_000);
  expect([waiting.outcomes, going.outcomes]).toMatchObject([[], [{ type: "done" }]]);
  const { loads } = notes;
  ownership.gain([shard]);
  await clock.runFor(100);
  expect([waiting.outcomes, notes.loads - loads]).toMatchObject([[{ type: "done" }], 1]);
  for (const each of [moving, staying]) expect(contents(each.id)).toEqual(["1", "2"]);
  expect(model.misuses).toEqual([]);
});

test("I4: a shard that another node took while a batch was on its way is given up: its command waits and is refused, others are stored, and the lane goes on", async () => {
  const { clock, moving, staying, shard, ownership, send, contents, batches, engine } = twoShards();
  for (const each of [moving, staying]) send(each, "1");
  await clock.runFor(100);
  ownership.steal([shard]);
  const [taken, kept] = [send(moving, "2"), send(staying, "2")];
  await clock.runFor(1_000);
  expect(ownership.ownerOf(shard)).toBe(otherNode);
  expect([taken.outcomes, kept.outcomes]).toMatchObject([[], [{ type: "done" }]]);
  const sent = batches.length;
  await clock.runFor(deadlineMs);
  expect(taken.outcomes).toMatchObject([{ code: "unavailable", retryAfterMs: 1_000 }]);
  expect([contents(moving.id), contents(staying.id)]).toEqual([["1"], ["1", "2"]]);
  expect([batches.length - sent, engine.commands.underWay]).toEqual([0, 0]);
  expect(send(staying, "3").outcomes).toEqual([]);
  await clock.runFor(100);
  expect(contents(staying.id)).toEqual(["1", "2", "3"]);
});

test("I7: marks of a shard that another node took are refused as unavailable, and keep no other mark from the store", async () => {
  const { clock, moving, staying, shard, ownership, send, batches, engine, model } = twoShards();
  for (const each of [moving, staying]) send(each, "1");
  await clock.runFor(2_000);
  ownership.steal([shard]);
  const answers = new Map<string, string | null>();
  for (const { id, ben } of [moving, staying])
    engine.marks.note({ type: "mark", conversationId: id, userId: ben, kind: "read", seq: 1 }, (refusal) => {
      answers.set(id, refusal?.code ?? null);
    });
  await clock.runFor(1_000);
  expect(answers).toEqual(
    new Map([
      [moving.id, "unavailable"],
      [staying.id, null],
    ]),
  );
  expect(model.marksOf(staying.id, staying.ben)).toMatchObject({ readSeq: 1 });
  const sent = batches.length;
  await clock.runFor(10_000);
  expect(batches.length).toBe(sent);
});

for (const isStored of [true, false])
  test(`I1: a batch whose connection was lost and whose shard another node took: a command that is ${isStored ? "found in the store is done" : "not found is not stored, and waits for its deadline"}`, async () => {
    let loses = false;
    const { clock, moving, shard, ownership, send, model, contents } = twoShards({
      outcomeOf(batch) {
        if (!loses) return null;
        loses = false;
        if (isStored) appendTo(model, batch, new Map([[shard, ownership.epochOf(shard)]]));
        ownership.steal([shard]);
        return { type: "unknown", error: new Error("connection terminated") };
      },
    });
    send(moving, "1");
    await clock.runFor(100);
    loses = true;
    const sent = send(moving, "2");
    await clock.runFor(1_000);
    expect(sent.outcomes).toMatchObject(isStored ? [{ type: "done" }] : []);
    await clock.runFor(deadlineMs);
    expect(sent.outcomes).toMatchObject([isStored ? { type: "done" } : { code: "unavailable" }]);
    expect(contents(moving.id)).toEqual(isStored ? ["1", "2"] : ["1"]);
  });

test("I12: a node that holds only some shards drains: what it holds is stored, marks of the others are refused", async () => {
  const { clock, moving, staying, shard, ownership, send, engine, model } = twoShards();
  for (const each of [moving, staying]) send(each, "1");
  await clock.runFor(2_000);
  const refusals: (string | undefined)[] = [];
  for (const seq of [0, 1])
    for (const { id, ben } of [moving, staying])
      engine.marks.note(
        { type: "mark", conversationId: id, userId: ben, kind: "delivered", seq },
        (refusal) => {
          if (refusal) refusals.push(refusal.code);
        },
      );
  ownership.lose([shard], otherNode);
  const drained = engine.drain();
  await clock.runFor(1_000);
  await drained;
  expect(model.marksOf(staying.id, staying.ben)).toMatchObject({ deliveredSeq: 1 });
  expect(new Set(refusals)).toEqual(new Set(["unavailable"]));
  engine.stop();
});
