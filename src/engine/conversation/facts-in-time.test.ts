import { expect, test } from "bun:test";
import type { Outcome } from "../../core/outcome.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId } from "../../system.ts";
import { membersNamed } from "../../testing/builders/builders.ts";
import { ModelBlocks } from "../../testing/model/blocks.ts";
import { anEngine, deadlineMs } from "../../testing/model/engine-on-model.ts";

test("I8: an addition that arrives during the look-up for another one is decided on contacts that are read after it arrived", async () => {
  const { actorReads, model, clock, engine } = anEngine();
  const [id, anna, carl, dora] = [newId(), newId(), newId(), newId()];
  model.create(id, membersNamed([anna, newId()]), "group");
  const block = (blockerId: string, blockedId: string) =>
    new ModelBlocks(model).change({ blockerId, blockedId, isBlocked: true, atUs: clock.nowUs() });
  block(dora, anna);
  const { findContacts } = actorReads;
  const add = (userIds: readonly string[]) => {
    const outcomes: Outcome[] = [];
    const command = {
      type: "add_members",
      id: newId(),
      conversationId: id,
      senderId: anna,
      userIds,
    } as const;
    engine.commands.submit(command, (outcome) => void outcomes.push(outcome), null);
    return outcomes;
  };
  const later: Outcome[][] = [];
  actorReads.findContacts = async (lookups) => {
    const found = await findContacts(lookups);
    if (later.length === 0) {
      block(carl, anna);
      later.push(add([carl]));
    }
    return found;
  };
  const first = add([carl, dora]);
  await clock.runUntil(() => first.length === 1 && later[0]?.length === 1, 1_000);
  expect([first, later[0]]).toMatchObject([[{ code: "not_found" }], [{ code: "not_found" }]]);
  engine.stop();
});

test("I10: what is looked up for a conversation that has left memory meanwhile takes none", async () => {
  const { actorReads, aConversation, submit, ownership, clock, engine } = anEngine({
    maxActorBytes: 400_000,
  });
  const { findTargets } = actorReads;
  let lookups = 0;
  let held: Promise<void> | null = null;
  actorReads.findTargets = async (targets) => {
    lookups++;
    const found = await findTargets(targets);
    await held;
    return found;
  };
  const send = async ({ id, anna }: ReturnType<typeof aConversation>) => {
    const { command, outcomes } = submit({ conversationId: id, senderId: anna, content: "x".repeat(90_000) });
    await clock.runUntil(() => outcomes.length > 0, 1_000);
    return command;
  };
  const answer = ({ id, ben }: ReturnType<typeof aConversation>, replyToId: string) =>
    submit({ conversationId: id, senderId: ben, replyToId }).outcomes;
  const [gone, other] = [aConversation(), aConversation()];
  const old = await send(gone);
  const leaveMemory = () => {
    ownership.lose([shardOf(gone.id)]);
    ownership.gain([shardOf(gone.id)]);
  };
  leaveMemory();
  const { promise, resolve } = Promise.withResolvers<void>();
  held = promise;
  const late = answer(gone, old.id);
  await clock.runFor(2 * deadlineMs);
  expect([late, lookups]).toMatchObject([[{ code: "unavailable" }], 1]);
  leaveMemory();
  held = null;
  resolve();
  await clock.runFor(1_000);
  const inTime = answer(other, (await send(other)).id);
  await clock.runUntil(() => inTime.length === 1, 1_000);
  expect([inTime, lookups]).toMatchObject([[{ type: "done" }], 1]);
  engine.stop();
});

test("I10: what was looked up for commands that have all expired is dropped with them", async () => {
  const { actorReads, aConversation, ownership, clock, engine } = anEngine();
  const { id, anna } = aConversation();
  const { readMetadata } = actorReads;
  let lookups = 0;
  actorReads.readMetadata = async (ids) => {
    lookups++;
    ownership.pause();
    return readMetadata(ids);
  };
  const rename = () => {
    const outcomes: Outcome[] = [];
    const own = { type: "update_conversation", id: newId(), conversationId: id, senderId: anna } as const;
    const command = { ...own, metadata: '{"name":"Trip"}', maxMetadataBytes: 1_000 };
    engine.commands.submit(command, (outcome) => void outcomes.push(outcome), null);
    return outcomes;
  };
  const late = rename();
  await clock.runFor(2 * deadlineMs);
  expect([late, lookups]).toMatchObject([[{ code: "unavailable" }], 1]);
  ownership.resume();
  rename();
  await clock.runFor(1_000);
  expect(lookups).toBe(2);
  engine.stop();
});
