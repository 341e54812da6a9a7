import { afterAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import type { CommitPort } from "../core/ports/commit.ts";
import { seeds } from "../testing/builders/arbitraries.ts";
import type { VirtualClock } from "../testing/clock.ts";
import { type PlayOptions, play } from "../testing/play/engine-play.ts";
import { startEngine } from "./engine.ts";

const plays = Number(process.env.WHISPR_TEST_PLAYS ?? 300);

test("I1 I2 I3 I7 I8: whatever the store does, no answer, refusal, mark or frame tells of what is not durable, nothing is lost or stored twice, edits are of what is there, and marks only grow", async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const { violations, outcomes } = await play(seed, { startEngine });
      for (const [kind, count] of Object.entries(outcomes)) seen.set(kind, (seen.get(kind) ?? 0) + count);
      expect(violations).toEqual([]);
    }),
    { numRuns: plays, endOnFailure: true },
  );
  const kinds = [
    "conflict",
    "done",
    "duplicate",
    "forbidden",
    "internal",
    "invalid_payload",
    "not_found",
    "outcome_unknown",
    "overloaded",
    "unavailable",
    "unchanged",
  ];
  expect([...seen.keys()].sort()).toEqual(kinds);
}, 180_000);

/** Whether one of the plays of the property notices it. */
async function isNoticed(violation: string, options: PlayOptions): Promise<boolean> {
  for (let seed = 1; seed <= plays; seed++)
    if ((await play(seed, options)).violations.includes(violation)) return true;
  return false;
}

describe("the play notices", () => {
  test("when the commit port says stored before it stores", async () => {
    const eager = (port: CommitPort, clock: VirtualClock): CommitPort => ({
      append(changes, epochOf) {
        clock.after(1, () => void port.append(changes, epochOf));
        return Promise.resolve({ type: "stored", moved: new Set(), marked: [] });
      },
    });
    expect(await isNoticed("done tells of what is not stored", { startEngine, wrapCommit: eager })).toBe(
      true,
    );
  });

  const mutants: readonly Mutant[] = [
    {
      what: "when an actor answers at the decision",
      file: "conversation/actor.ts",
      from: "if (turn.decidedRev <= durableRev) this.settling.settle(durableRev);",
      to: "this.#context.answers.decided(turn, turn.decision);",
      noticed: "done tells of what is not stored",
    },
    {
      what: "when the first stored change answers all that were decided",
      file: "conversation/settling.ts",
      from: " || turn.decidedRev > durableRev) return;",
      to: ") return;",
      noticed: "done tells of what is not stored",
    },
    {
      what: "when a refusal does not wait for the changes it was decided after",
      file: "conversation/actor.ts",
      from: "if (change) this",
      to: 'if (turn.decision.type === "rejection") this.#context.answers.give(turn, turn.decision); if (change) this',
      noticed: "a refusal left before what it was decided after was durable",
    },
    {
      what: "when listeners are told as soon as a batch is sent",
      file: "conversation/actor.ts",
      from: "entry.turn.inFlight = true;",
      to: "entry.turn.inFlight = true; this.#context.announcements.stored(entry.turn.command, entry.change);",
      noticed: "a frame tells of what is not stored",
    },
    {
      what: "when a batch of unknown outcome counts as stored",
      file: "conversation/group-commit.ts",
      from: "if (stored[index])",
      to: "if (stored)",
      noticed: "done tells of what is not stored",
    },
    {
      what: "when a batch of unknown outcome is not fenced before it is decided again",
      file: "conversation/group-commit.ts",
      from: "await this.#renew(shards);\n    await this.#tellStored",
      to: "await this.#tellStored",
      noticed: "a command is stored twice",
    },
    {
      what: "when a head that was moved by another is taken for stored",
      file: "conversation/group-commit.ts",
      from: "if (outcome.moved.has(entry.actor.id))",
      to: "if (!outcome)",
      noticed: "done tells of what is not stored",
    },
    {
      what: "when a message that memory does not hold counts as known",
      file: "conversation/known-facts.ts",
      from: "return this.#lookedUp?.messages.has(messageId) === true;",
      to: "return true;",
      noticed: "a good command is refused as internal",
    },
    {
      what: "when a message that memory does not hold counts as one that does not exist",
      file: "conversation/missing-facts.ts",
      from: "(lookups) => lookups.target({ ...ref, viewerId: null }),",
      to: "async () => ({ message: null }),",
      noticed: "a member is told that a message does not exist that does",
    },
    {
      what: "when a message that is remembered is changed before it is stored",
      file: "conversation/known-facts.ts",
      from: "if (recent && recent.createdRev <= this.durableRev) return true;",
      to: "if (recent) return true;",
      noticed: "a batch with a gap: a change of a message in the batch that stores it",
    },
    {
      what: "when a remembered message does not follow the changes of it",
      file: "conversation/known-facts.ts",
      from: "this.#recent.changed(message);",
      to: "",
      noticed: "a reaction to what is not there any more",
    },
    {
      what: "when messages of a batch that failed are remembered",
      file: "conversation/expected-state.ts",
      from: "this.facts.forget();",
      to: "",
      noticed: "what is unchanged tells of what is not stored",
    },
    {
      what: "when a message is looked up while changes are on their way",
      file: "conversation/actor.ts",
      from: "if (!this.#expected.isDurable) return;",
      to: "",
      noticed: "an edit of what is not there any more",
    },
    {
      what: "when what a conversation is called is looked up while changes are on their way",
      file: "conversation/actor.ts",
      from: "if (!this.#expected.isDurable) return;",
      to: "",
      noticed: "a change of the conversation was decided on what is not there",
    },
    {
      what: "when a mark counts as stored as soon as it is sent",
      file: "receipts/mark-queue.ts",
      from: "for (const slot of slots) send(slot);",
      to: "for (const slot of slots) { send(slot); for (const answer of slot.sentAnswers.splice(0)) answer(null); }",
      noticed: "a mark tells of what is not stored",
    },
    {
      what: "when marks that were not stored are forgotten",
      file: "receipts/mark-queue.ts",
      from: 'if (slot.state !== "sent") continue;',
      to: "if (slot) continue;",
      noticed: "a member's mark is refused: outcome_unknown",
    },
    {
      what: "when a batch that is held back forgets that its conversation is to be loaded afresh",
      file: "conversation/actor.ts",
      from: "held(entry: Entry): void {\n    this.#landed(entry);",
      to: "held(entry: Entry): void {\n    entry.turn.inFlight = false;\n    this.#inFlight--;",
      noticed: "a conversation does not work any more",
    },
  ];

  test.each(mutants)(
    "$what",
    async (mutant) => {
      expect(await isNoticed(mutant.noticed, { startEngine: await mutated(mutant) })).toBe(true);
    },
    180_000,
  );
});

interface Mutant {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly noticed: string;
}

const copies: string[] = [];
afterAll(() => Promise.all(copies.map((copy) => rm(copy, { recursive: true }))));

/** The engine with one line changed, from a copy of its folders beside the same core. */
async function mutated(mutant: Mutant): Promise<typeof startEngine> {
  const copy = await mkdtemp(join(tmpdir(), "whispr-mutant-"));
  copies.push(copy);
  const core = join(import.meta.dir, "..", "core");
  for (const path of await readdir(import.meta.dir, { recursive: true })) {
    if (!path.endsWith(".ts") || path.endsWith(".test.ts")) continue;
    const text = await readFile(join(import.meta.dir, path), "utf8");
    const changed = path === mutant.file ? changedOnce(text, mutant) : text;
    await mkdir(dirname(join(copy, path)), { recursive: true });
    await writeFile(join(copy, path), changed.replaceAll(/"(?:\.\.\/)+core\//g, `"${core}/`));
  }
  return (await import(join(copy, "engine.ts"))).startEngine;
}

function changedOnce(text: string, { what, from, to }: Mutant): string {
  if (text.split(from).length !== 2) throw new Error(`the mutation "${what}" no longer fits the source`);
  return text.replace(from, () => to);
}
