import { expect, test } from "bun:test";
import type { Command } from "../../core/commands.ts";
import type { BlockedSide } from "../../core/conversations/blocks.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { BlockedPair, Blocks } from "../../core/ports/blocks.ts";
import { allShards, type OwnershipListener } from "../../core/ports/ownership.ts";
import type { Frame } from "../../core/ports/pubsub.ts";
import { newId } from "../../system.ts";
import { membersNamed, noteTaker } from "../../testing/builders/builders.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { overloaded } from "../refusals.ts";
import { BlockEnforcer } from "./block-enforcer.ts";
import { Meetings } from "./meetings.ts";

function aPair(hasConversation = true): BlockedPair {
  const [lowId, highId] = [newId(), newId()];
  const sides = [...membersNamed([lowId, highId]).values()].map((member, index) => ({
    userId: member.userId,
    member,
    isBlocked: index === 0,
  })) as [BlockedSide, BlockedSide];
  const conversation = hasConversation ? { id: newId(), sides } : null;
  return { lowId, highId, version: "1", isApart: true, conversation, unreadable: null };
}

const order = (one: BlockedPair, other: BlockedPair) =>
  one.lowId < other.lowId ? -1 : one.lowId > other.lowId ? 1 : one.highId < other.highId ? -1 : 1;

const done: Outcome = { type: "done", events: [] };

/** An enforcer over pairs that are kept here, and what it did. */
function anEnforcer() {
  const clock = new VirtualClock();
  const notes = noteTaker();
  const pending = new Set<BlockedPair>();
  const commands: Command[] = [];
  /** Answers to commands of conversations that hang. */
  const hanging: ((outcome: Outcome) => void)[] = [];
  let wake = () => {};
  let change: OwnershipListener = () => {};
  const world = {
    held: true,
    isAway: false,
    looks: 0,
    /** Null: it hangs. */
    outcomeOf: (_: Command): Outcome | null => done,
  };
  const blocks: Blocks = {
    subscribe: (listener) => {
      wake = listener;
    },
    async pending(after, limit) {
      world.looks++;
      if (world.isAway) throw new Error("away");
      const sorted = [...pending].sort(order);
      return sorted.filter((pair) => !after || order(after as BlockedPair, pair) < 0).slice(0, limit);
    },
    async applied(pairs) {
      if (world.isAway) throw new Error("away");
      for (const pair of pairs) pending.delete(pair);
    },
  };
  const meetings = new Meetings();
  const frames: Frame[] = [];
  const enforcer = new BlockEnforcer({
    blocks,
    commands: {
      submit(command, answer) {
        commands.push(command);
        const outcome = world.outcomeOf(command);
        if (outcome) answer(outcome);
        else hanging.push(answer);
      },
    },
    meetings,
    pubsub: { publish: (frame) => void frames.push(frame) },
    ownership: {
      isHeld: () => world.held,
      onChange: (listener) => {
        change = listener;
      },
    },
    clock,
    observer: notes.observer,
    newId,
  });
  enforcer.start();
  return {
    enforcer,
    clock,
    notes,
    pending,
    commands,
    hanging,
    world,
    wake: () => wake(),
    gain() {
      world.held = true;
      change(allShards, true);
    },
  };
}

test("whatever is pending is applied, each by one command to its conversation; a pair without one needs none", async () => {
  const { clock, pending, commands, wake } = anEnforcer();
  const pairs = Array.from({ length: 250 }, (_, index) => aPair(index % 5 > 0));
  for (const pair of pairs) pending.add(pair);
  wake();
  await clock.runFor(0);
  expect(pending.size).toBe(0);
  const asked = pairs.flatMap(({ conversation }) => (conversation ? [conversation.id] : []));
  expect(commands.map(({ conversationId }) => conversationId).sort()).toEqual(asked.sort());
  expect(new Set(commands.map(({ type }) => type))).toEqual(new Set(["apply_blocks"]));
});

test("what could not be applied is tried again, alone; what could is not", async () => {
  const { clock, pending, commands, world, wake } = anEnforcer();
  const [busy, free] = [aPair(), aPair()];
  pending.add(busy).add(free);
  world.outcomeOf = ({ conversationId }) => (conversationId === busy.conversation!.id ? overloaded : done);
  wake();
  await clock.runFor(0);
  expect([...pending]).toEqual([busy]);
  world.outcomeOf = () => done;
  await clock.runFor(1_000);
  expect(pending.size).toBe(0);
  expect(commands.filter(({ conversationId }) => conversationId === free.conversation!.id)).toHaveLength(1);
});

test("while the store is away it is asked now and then, and nothing is forgotten", async () => {
  const { clock, pending, world, notes, wake } = anEnforcer();
  pending.add(aPair());
  world.isAway = true;
  wake();
  await clock.runFor(10_000);
  expect(world.looks).toBeLessThan(30);
  expect(notes.bugs).toEqual([]);
  world.isAway = false;
  await clock.runFor(1_000);
  expect(pending.size).toBe(0);
});

test("only the owner of the shard applies blocks, as soon as it owns; when nothing is pending it reads twice a minute", async () => {
  const { clock, pending, commands, world, wake, gain } = anEnforcer();
  world.held = false;
  pending.add(aPair());
  wake();
  await clock.runFor(5_000);
  expect([commands.length, world.looks]).toEqual([0, 0]);
  gain();
  await clock.runFor(0);
  expect(pending.size).toBe(0);
  const { looks } = world;
  await clock.runFor(60_000);
  expect(world.looks).toBe(looks + 2);
});

test("what is said during the last look is looked for again", async () => {
  const { clock, pending, wake } = anEnforcer();
  pending.add(aPair());
  wake();
  wake();
  queueMicrotask(() => {
    pending.add(aPair());
    wake();
  });
  await clock.runFor(0);
  expect(pending.size).toBe(0);
});

test("after its stop nothing is begun", async () => {
  const { enforcer, clock, pending, commands, wake } = anEnforcer();
  enforcer.stop();
  pending.add(aPair());
  wake();
  await clock.runFor(5_000);
  expect(commands).toEqual([]);
});

test("a notification that was lost is made up for by the next look, within half a minute", async () => {
  const { clock, pending, commands } = anEnforcer();
  pending.add(aPair());
  await clock.runFor(30_000);
  expect([pending.size, commands.length]).toEqual([0, 1]);
});

test("250 pairs that always fail keep no other one from being applied, are tried less and less often, and are told of once they keep failing", async () => {
  const { clock, pending, commands, world, notes, wake } = anEnforcer();
  const failing = Array.from({ length: 250 }, () => aPair());
  const ids = new Set(failing.map(({ conversation }) => conversation!.id));
  for (const pair of failing) pending.add(pair);
  world.outcomeOf = ({ conversationId }) => (ids.has(conversationId) ? overloaded : done);
  wake();
  await clock.runFor(5_000);
  for (let nth = 0; nth < 5; nth++) {
    const late = aPair();
    pending.add(late);
    wake();
    await clock.runFor(0);
    expect(pending.has(late)).toBe(false);
  }
  commands.length = 0;
  await clock.runFor(600_000);
  expect(pending.size).toBe(250);
  // Ten minutes: after 0.5, 1, 2 … 60 s, then once a minute.
  expect(commands.length).toBeLessThanOrEqual(250 * 15);
  expect(commands.length).toBeGreaterThanOrEqual(250 * 9);
  expect(notes.warnings[0]).toMatchObject({ event: "block_not_applied", reason: "overloaded", failures: 3 });
  world.outcomeOf = () => done;
  await clock.runFor(60_000);
  expect(pending.size).toBe(0);
});

test("100 commands that are not answered keep no later pair waiting for longer than one of them takes", async () => {
  const { clock, pending, hanging, world, wake } = anEnforcer();
  const all = Array.from({ length: 101 }, () => aPair()).sort(order);
  const last = all[100]!;
  for (const pair of all) pending.add(pair);
  world.outcomeOf = ({ conversationId }) => (conversationId === last.conversation!.id ? done : null);
  wake();
  await clock.runFor(0);
  expect([hanging.length, pending.size]).toEqual([100, 101]);
  hanging[7]!(overloaded);
  await clock.runFor(0);
  expect(pending.has(last)).toBe(false);
  world.outcomeOf = () => done;
  for (const answer of hanging) answer(done);
  await clock.runFor(1_000);
  expect(pending.size).toBe(0);
});

test("a command that throws, a pair that cannot be read and one whose member row is missing cost no other pair anything", async () => {
  const { clock, pending, commands, world, notes, wake } = anEnforcer();
  const broken = aPair();
  const unreadable = { ...aPair(false), unreadable: "not an instant: infinity" };
  const halved = aPair();
  const [side, other] = halved.conversation!.sides;
  const missing = {
    ...halved,
    conversation: { id: newId(), sides: [{ ...side, member: null }, other] as const },
  };
  for (const pair of [broken, unreadable, missing, aPair(), aPair()]) pending.add(pair);
  world.outcomeOf = ({ conversationId }) => {
    if (conversationId === broken.conversation!.id) throw new Error("a bug");
    return done;
  };
  wake();
  await clock.runFor(5_000);
  expect(new Set(pending)).toEqual(new Set([broken, unreadable]));
  expect(notes.bugs[0]).toMatchObject({ where: "applying a block" });
  expect(new Set(notes.warnings.map(({ event }) => event))).toEqual(
    new Set(["direct_member_row_missing", "block_not_applied"]),
  );
  expect(commands.filter(({ conversationId }) => conversationId === missing.conversation.id)).toHaveLength(1);
});

test("a pair that failed and was changed since then is tried at once", async () => {
  const { clock, pending, commands, world, wake } = anEnforcer();
  const pair = aPair();
  pending.add(pair);
  world.outcomeOf = () => overloaded;
  wake();
  await clock.runFor(100_000);
  const tries = commands.length;
  world.outcomeOf = () => done;
  pending.delete(pair);
  pending.add({ ...pair, version: "2" });
  wake();
  await clock.runFor(0);
  expect([pending.size, commands.length]).toEqual([0, tries + 1]);
});

test("pairs that failed and are pending no more are forgotten: nobody looks for them", async () => {
  const { clock, pending, world, wake } = anEnforcer();
  const pair = aPair();
  pending.add(pair);
  world.outcomeOf = () => overloaded;
  wake();
  await clock.runFor(1_000);
  pending.delete(pair);
  await clock.runFor(60_000);
  const { looks } = world;
  await clock.runFor(60_000);
  expect(world.looks).toBe(looks + 2);
});
