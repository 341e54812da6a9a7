import { describe, expect, test } from "bun:test";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { Outcome } from "../../core/outcome.ts";
import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import { isRejection } from "../../core/rejection.ts";
import { newId } from "../../system.ts";
import { aSend } from "../../testing/builders/builders.ts";
import { someFacts } from "../../testing/builders/facts.ts";
import { anEngine } from "../../testing/model/engine-on-model.ts";
import { Lookups } from "./lookups.ts";
import { missingFactsOf } from "./missing-facts.ts";

/** An engine over the model that remembers no messages, and whose look-ups of one message, or loads of one conversation, fail. */
function anEngineThatFails(error: Error) {
  const given = anEngine({ memory: { maxMessages: 0 } });
  const { actorReads } = given;
  const guilty = new Set<string>();
  const reads = { targets: 0, loads: 0 };
  const { findTargets, loadConversations } = actorReads;
  actorReads.findTargets = async (questions) => {
    reads.targets++;
    if (questions.some(({ messageId }) => guilty.has(messageId))) throw error;
    return findTargets(questions);
  };
  actorReads.loadConversations = async (ids) => {
    reads.loads++;
    if (ids.some((id) => guilty.has(id))) throw error;
    return loadConversations(ids);
  };
  return {
    ...given,
    guilty,
    reads,
    react(conversationId: string, senderId: string, messageId: string) {
      const outcomes: Outcome[] = [];
      const command = { type: "add_reaction", id: newId(), conversationId, senderId, messageId } as const;
      given.engine.commands.submit(
        { ...command, reaction: "👍" },
        (outcome) => void outcomes.push(outcome),
        null,
      );
      return outcomes;
    },
    async sent(conversationId: string, senderId: string) {
      const { outcomes } = given.submit({ conversationId, senderId });
      await given.clock.runUntil(() => outcomes.length > 0, 1_000);
      return outcomes[0] as Outcome & { events: readonly { id: string }[] };
    },
  };
}

const failures = [
  ["holds data that the store refuses", new Error("invalid byte sequence"), "internal"],
  ["takes too long", new StoreTimedOut({ cause: null }), "unavailable"],
] as const;

describe.each(failures)("a look-up that %s", (_, error, code) => {
  test("costs its own command alone, at once, and nobody else's in the same read", async () => {
    const { aConversation, sent, react, guilty, clock, reads, engine } = anEngineThatFails(error);
    const talks = Array.from({ length: 20 }, () => aConversation());
    const messages: string[] = [];
    for (const { id, anna } of talks) messages.push((await sent(id, anna)).events[0]!.id);
    guilty.add(messages[7]!);
    const outcomes = talks.map(({ id, ben }, index) => react(id, ben, messages[index]!));
    const more = react(talks[7]!.id, talks[7]!.ben, newId());
    await clock.runUntil(() => [...outcomes, more].every(({ length }) => length === 1), 1_000);
    const refused = outcomes.filter(([outcome]) => outcome!.type === "rejection");
    expect(refused).toMatchObject([[{ code }]]);
    expect(outcomes[7]).toBe(refused[0]!);
    expect(more).toMatchObject([{ code: "not_found" }]);
    expect(reads.targets).toBeLessThan(15);
    await clock.runFor(60_000);
    expect(reads.targets).toBeLessThan(15);
    engine.stop();
  });

  test("of a whole conversation costs those who write to it alone, and is not repeated for ever", async () => {
    const { aConversation, submit, guilty, clock, reads, engine } = anEngineThatFails(error);
    const talks = Array.from({ length: 20 }, () => aConversation());
    guilty.add(talks[3]!.id);
    const outcomes = talks.map(({ id, anna }) => submit({ conversationId: id, senderId: anna }).outcomes);
    await clock.runUntil(() => outcomes.every(({ length }) => length === 1), 1_000);
    expect(outcomes.filter(([outcome]) => outcome!.type !== "done")).toMatchObject([[{ code }]]);
    const before = reads.loads;
    await clock.runFor(60_000);
    expect(reads.loads).toBe(before);
    guilty.clear();
    const again = submit({ conversationId: talks[3]!.id, senderId: talks[3]!.anna }).outcomes;
    await clock.runUntil(() => again.length === 1, 1_000);
    expect(again).toMatchObject([{ type: "done" }]);
    engine.stop();
  });
});

test("a key that cannot be looked up costs the sends under it, and not those of another device with the same client_random", async () => {
  const { actorReads, clock, notes, engine } = anEngine();
  const [phone, tablet] = [deviceTagOf("phone"), deviceTagOf("tablet")];
  const { findKeys } = actorReads;
  actorReads.findKeys = async (questions) => {
    if (questions.some(({ deviceTag }) => deviceTag === phone)) throw new Error("a bug");
    return findKeys(questions);
  };
  const lookups = new Lookups({ reads: actorReads, clock, observer: notes.observer });
  const own = { conversationId: newId(), senderId: newId(), clientRandom: 1 };
  const facts = someFacts();
  facts.suspect(own.senderId);
  const asked = [phone, tablet].flatMap((deviceTag) => missingFactsOf(facts, aSend({ ...own, deviceTag })));
  expect(new Set(asked.map(({ name }) => name)).size).toBe(2);
  const loading = Promise.all(asked.map(({ load }) => load(lookups)));
  let found: Awaited<typeof loading> = [];
  void loading.then((each) => {
    found = each;
  });
  await clock.runUntil(() => found.length === 2, 1_000);
  expect(found.map(isRejection)).toEqual([true, false]);
  expect(found[0]).toMatchObject({ code: "internal" });
  expect(missingFactsOf(facts, aSend({ ...own, deviceTag: phone, senderId: newId() }))).toEqual([]);
  engine.stop();
});

test("while the store is away look-ups are repeated as long as somebody waits, and no longer", async () => {
  const away = new StoreUnavailable({ cause: null });
  const { aConversation, sent, react, guilty, clock, reads, engine } = anEngineThatFails(away);
  const { id, anna, ben } = aConversation();
  const message = (await sent(id, anna)).events[0]!.id;
  guilty.add(message);
  const first = react(id, ben, message);
  await clock.runFor(2_000);
  expect(first).toEqual([]);
  guilty.clear();
  await clock.runUntil(() => first.length === 1, 1_000);
  expect(first).toMatchObject([{ type: "done" }]);
  guilty.add(message);
  const second = react(id, anna, message);
  await clock.runFor(10_000);
  expect(second).toMatchObject([{ code: "unavailable" }]);
  const before = reads.targets;
  await clock.runFor(60_000);
  expect(reads.targets).toBe(before);
  guilty.clear();
  const third = react(id, anna, message);
  await clock.runUntil(() => third.length === 1, 1_000);
  expect(third).toMatchObject([{ type: "done" }]);
  engine.stop();
});

test("I1: a batch of unknown outcome of which the store does not say what became of one conversation costs that one alone, once", async () => {
  let unknown = 1;
  const given = anEngine({
    outcomeOf: () => (unknown-- > 0 ? { type: "unknown", error: new Error("lost") } : null),
  });
  const { actorReads, submit, clock, aConversation, notes, engine } = given;
  const talks = Array.from({ length: 8 }, () => aConversation());
  const { findStored } = actorReads;
  let asked = 0;
  actorReads.findStored = async (changes) => {
    asked++;
    if (changes.some(({ conversationId }) => conversationId === talks[5]!.id)) throw new Error("a bug");
    return findStored(changes);
  };
  const outcomes = talks.map(({ id, anna }) => submit({ conversationId: id, senderId: anna }).outcomes);
  await clock.runUntil(() => outcomes.every(({ length }) => length === 1), 2_000);
  expect(outcomes.filter(([outcome]) => outcome!.type !== "done")).toMatchObject([
    [{ code: "outcome_unknown" }],
  ]);
  expect(asked).toBeLessThanOrEqual(1 + 2 * 3);
  expect(notes.bugs).toMatchObject([{ where: "finding out what was stored" }]);
  const next = submit({ conversationId: talks[5]!.id, senderId: talks[5]!.anna }).outcomes;
  await clock.runUntil(() => next.length === 1, 1_000);
  expect(next).toMatchObject([{ type: "done" }]);
  engine.stop();
});
