import { expect, test } from "bun:test";
import type { Command } from "../core/commands.ts";
import type { BlockedPair, Blocks } from "../core/ports/blocks.ts";
import { newId } from "../system.ts";
import { membersNamed, noteTaker } from "../testing/builders.ts";
import { VirtualClock } from "../testing/clock.ts";
import { BlockEnforcer } from "./block-enforcer.ts";
import type { Outcome } from "./outcome.ts";
import { overloaded } from "./refusals.ts";

function aPair(hasConversation = true): BlockedPair {
  const [lowId, highId] = [newId(), newId()];
  const [low, high] = [...membersNamed([lowId, highId]).values()] as [never, never];
  const sides = [
    { member: low, isBlocked: true },
    { member: high, isBlocked: false },
  ] as const;
  return { lowId, highId, version: "1", conversation: hasConversation ? { id: newId(), sides } : null };
}

/** An enforcer over pairs that are kept here, and what it did. */
function anEnforcer() {
  const clock = new VirtualClock();
  const notes = noteTaker();
  const pending = new Set<BlockedPair>();
  const commands: Command[] = [];
  let wake = () => {};
  let change = (_: boolean) => {};
  const world = {
    held: true,
    isAway: false,
    looks: 0,
    outcomeOf: (_: Command): Outcome => ({ type: "done", events: [] }),
  };
  const blocks: Blocks = {
    subscribe: (listener) => {
      wake = listener;
    },
    async pending(limit) {
      world.looks++;
      if (world.isAway) throw new Error("away");
      return [...pending].slice(0, limit);
    },
    async applied(pairs) {
      if (world.isAway) throw new Error("away");
      for (const pair of pairs) pending.delete(pair);
    },
  };
  const enforcer = new BlockEnforcer({
    blocks,
    commands: {
      submit(command, answer) {
        commands.push(command);
        answer(world.outcomeOf(command));
      },
    },
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
    world,
    wake: () => wake(),
    gain() {
      world.held = true;
      change(true);
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
  world.outcomeOf = ({ conversationId }) =>
    conversationId === busy.conversation!.id ? overloaded : { type: "done", events: [] };
  wake();
  await clock.runFor(0);
  expect([...pending]).toEqual([busy]);
  world.outcomeOf = () => ({ type: "done", events: [] });
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

test("only the owner applies, as soon as he is; and when nothing is pending nobody looks", async () => {
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
  expect(world.looks).toBe(looks);
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
