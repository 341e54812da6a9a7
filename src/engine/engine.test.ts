import { describe, expect, spyOn, test } from "bun:test";
import type { SendMessage } from "../core/messages/send.ts";
import type { Outcome } from "../core/outcome.ts";
import { shardOf } from "../core/ports/ownership.ts";
import { StoreUnavailable } from "../core/ports/store-errors.ts";
import type { Rejection } from "../core/rejection.ts";
import { newId } from "../system.ts";
import { aSend, membersNamed } from "../testing/builders/builders.ts";
import { settled } from "../testing/clock.ts";
import { freeCharge } from "../testing/costs/limits-off.ts";
import { anEngine, deadlineMs } from "../testing/model/engine-on-model.ts";
import { type ModelStore, poison } from "../testing/model/model-store.ts";

type Sent = ReturnType<ReturnType<typeof anEngine>["submit"]>;

function answered(sent: readonly Sent[]): boolean {
  return sent.every(({ outcomes }) => outcomes.length > 0);
}

function kindOf({ outcomes }: Sent): string | undefined {
  const [outcome] = outcomes;
  return outcome?.type === "rejection" ? outcome.code : outcome?.type;
}

function tally(sent: readonly Sent[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(sent, kindOf)].map(([kind, of]) => [`${kind}`, of.length]));
}

describe("the limit of a large group", () => {
  const limits = { conversation_messages: { perMinute: 30, burst: 10 } };
  const aGroup = (model: ModelStore, size: number) => {
    const members = Array.from({ length: size }, () => newId());
    const id = newId();
    model.create(id, membersNamed(members));
    return { id, anna: members[0]!, ben: members[1]! };
  };

  test("holds each member to it by himself, and waiting as long as told is enough", async () => {
    const { submit, model, clock, engine } = anEngine({ limits });
    const { id, anna, ben } = aGroup(model, 51);
    const send = (senderId: string) => submit({ conversationId: id, senderId });
    const loading = send(ben);
    await clock.runUntil(() => answered([loading]), 1_000);
    const sent = Array.from({ length: 13 }, () => send(anna));
    await clock.runUntil(() => answered(sent), 1_000);
    expect(tally(sent)).toEqual({ done: 10, rate_limited: 3 });
    const [{ retryAfterMs, message }] = sent.at(-1)!.outcomes as [Rejection];
    expect(message).toContain("30 a minute are allowed, 10 at once");
    expect(retryAfterMs).toBeWithin(1_900, 2_001);
    const another = send(ben);
    await clock.runFor(retryAfterMs!);
    const later = send(anna);
    await clock.runUntil(() => answered([another, later]), 1_000);
    expect(tally([another, later])).toEqual({ done: 2 });
    engine.stop();
  });

  test("counts new messages alone: what is repeated is free, in whichever order it comes", async () => {
    const { submit, model, clock, engine } = anEngine({ limits });
    const { id, anna } = aGroup(model, 51);
    const send = (clientRandom: number) => submit({ conversationId: id, senderId: anna, clientRandom });
    const sent = [7, 7, 7, 7, 7, 7, 1, 2, 3, 4, 5, 6, 8, 9, 10, 10, 11].map(send);
    await clock.runUntil(() => answered(sent), 1_000);
    expect(tally(sent)).toEqual({ done: 10, duplicate: 6, rate_limited: 1 });
    const again = [7, 1, 9].map(send);
    await clock.runUntil(() => answered(again), 1_000);
    expect(tally(again)).toEqual({ duplicate: 3 });
    engine.stop();
  });

  test("does not hold those of 50 members, and strangers do not learn of it", async () => {
    const { submit, model, clock, engine } = anEngine({ limits });
    const small = aGroup(model, 50);
    const large = aGroup(model, 51);
    const loading = submit({ conversationId: large.id, senderId: large.anna });
    await clock.runUntil(() => answered([loading]), 1_000);
    const inSmall = Array.from({ length: 40 }, () =>
      submit({ conversationId: small.id, senderId: small.anna }),
    );
    const asStranger = Array.from({ length: 40 }, () =>
      submit({ conversationId: large.id, senderId: newId() }),
    );
    await clock.runUntil(() => answered([...inSmall, ...asStranger]), 1_000);
    expect([tally(inSmall), tally(asStranger)]).toEqual([{ done: 40 }, { not_found: 40 }]);
    engine.stop();
  });
});

describe("what a send costs", () => {
  const burst = { perMinute: 1, burst: 4 };
  const limits = { user_messages: burst, connection_operations: { perMinute: 1, burst: 10 } };
  const anna = newId();
  test("is settled in the order of decisions: what was repeated makes room for what comes after it", async () => {
    const { submit, model, clock, engine } = anEngine({ limits });
    const id = newId();
    model.create(id, membersNamed([anna, newId()]));
    const send = (clientRandom: number) => submit({ conversationId: id, senderId: anna, clientRandom });
    // The conversation is being loaded, so that all of them are counted before the first is decided.
    const sent = [1, 1, 1, 2, 3, 4, 5].map(send);
    expect(sent.flatMap(({ outcomes }) => outcomes)).toEqual([]);
    await clock.runUntil(() => answered(sent), 1_000);
    expect(sent.map(kindOf)).toEqual([
      "done",
      "duplicate",
      "duplicate",
      "done",
      "done",
      "done",
      "rate_limited",
    ]);
    engine.stop();
  });

  test("is given back when it shows late that a message is stored already", async () => {
    const { submit, model, clock, engine, chargeOf, limiter } = anEngine({ maxActors: 1, limits });
    const [id, elsewhere] = [newId(), newId()];
    for (const each of [id, elsewhere]) model.create(each, membersNamed([anna, newId()]));
    const send = (given: object, charge = freeCharge()) =>
      submit({ conversationId: id, senderId: anna, ...given }, charge);
    const before = Array.from({ length: 40 }, (_, clientRandom) => send({ clientRandom }));
    await clock.runUntil(() => answered(before), 1_000);
    const away = send({ conversationId: elsewhere });
    await clock.runUntil(() => answered([away]), 1_000);
    // Memory has forgotten the key: decided as new, refused by the index, decided again.
    const repeated = send({ clientRandom: 0 }, chargeOf(anna));
    await clock.runUntil(() => answered([repeated]), 1_000);
    expect(kindOf(repeated)).toBe("duplicate");
    const left = Array.from({ length: 5 }, () => limiter.take("user_messages", anna));
    expect(left.filter((waitMs) => waitMs === 0)).toHaveLength(4);
    engine.stop();
  });
});

describe("what a change that the store refuses for good costs", () => {
  test("is its arrival alone: what its decision cost is given back", async () => {
    const limits = {
      user_messages: { perMinute: 1, burst: 4 },
      user_pushed: { perMinute: 1, burst: 10_000 },
      user_delivered: { perMinute: 1, burst: 10_000 },
    };
    const refused = { type: "refused", cause: "data", error: new Error("no") } as const;
    const { submit, aConversation, clock, limiter, engine } = anEngine({ limits, outcomeOf: () => refused });
    const { id, anna } = aConversation();
    const sent = submit({ conversationId: id, senderId: anna });
    await clock.runUntil(() => answered([sent]), 1_000);
    expect(kindOf(sent)).toBe("internal");
    for (const limit of ["user_pushed", "user_delivered"] as const)
      expect([limit, limiter.take(limit, anna, 10_000)]).toEqual([limit, 0]);
    expect(limiter.take("user_messages", anna, 4)).toBeGreaterThan(0);
    engine.stop();
  });
});

test("I10: a full mailbox refuses with retry_after_ms, and loses nothing that it took", async () => {
  const { submit, aConversation, clock, hold, release, contents } = anEngine({ maxTurnsPerActor: 5 });
  const { id, anna } = aConversation();
  hold();
  const sent = Array.from({ length: 8 }, (_, index) =>
    submit({ conversationId: id, senderId: anna, content: `${index}` }),
  );
  for (const refused of sent.slice(5))
    expect(refused.outcomes).toMatchObject([{ code: "overloaded", retryAfterMs: 1_000 }]);
  await clock.runFor(100);
  release();
  await clock.runUntil(() => answered(sent), 1_000);
  expect(sent.slice(0, 5).map(kindOf)).toEqual(Array(5).fill("done"));
  expect(contents(id)).toEqual(["0", "1", "2", "3", "4"]);
  const later = submit({ conversationId: id, senderId: anna });
  await clock.runUntil(() => answered([later]), 1_000);
  expect(kindOf(later)).toBe("done");
});

test("I8: a stranger is told the same by a full conversation as by one that does not exist, and not sooner", async () => {
  const { submit, aConversation, clock, hold, release } = anEngine({ maxTurnsPerActor: 5 });
  const { id, anna } = aConversation();
  const first = submit({ conversationId: id, senderId: anna });
  await clock.runUntil(() => answered([first]), 1_000);
  const atLoaded = submit({ conversationId: id, senderId: newId() });
  expect(atLoaded.outcomes).toEqual([]);
  await clock.runUntil(() => answered([atLoaded]), 1_000);
  hold();
  const filling = Array.from({ length: 5 }, () => submit({ conversationId: id, senderId: anna }));
  const atFull = submit({ conversationId: id, senderId: newId() });
  const atNone = submit({ conversationId: newId(), senderId: newId() });
  release();
  await clock.runUntil(() => answered([...filling, atFull, atNone]), 1_000);
  expect([atLoaded, atFull, atNone].map(kindOf)).toEqual(Array(3).fill("not_found"));
  expect(atFull.outcomes).toEqual(atNone.outcomes);
});

test("I10: the whole process takes a bounded number of commands, whatever the number of conversations", async () => {
  const { submit, aConversation, clock, hold, release } = anEngine({ maxTurns: 10 });
  hold();
  const sent = Array.from({ length: 15 }, () => {
    const { id, anna } = aConversation();
    return submit({ conversationId: id, senderId: anna });
  });
  release();
  await clock.runUntil(() => answered(sent), 1_000);
  expect(tally(sent)).toEqual({ done: 10, overloaded: 5 });
});

test("I10: the whole process takes a bounded number of bytes", async () => {
  const { submit, aConversation, clock } = anEngine({ maxTurnBytes: 100 });
  const { id, anna } = aConversation();
  const sent = Array.from({ length: 4 }, () =>
    submit({ conversationId: id, senderId: anna, content: "x".repeat(60) }),
  );
  await clock.runUntil(() => answered(sent), 1_000);
  expect(tally(sent)).toEqual({ done: 2, overloaded: 2 });
  const later = submit({ conversationId: id, senderId: anna, content: "x".repeat(60) });
  await clock.runUntil(() => answered([later]), 1_000);
  expect(kindOf(later)).toBe("done");
});

test("I10: while the store hangs for long, what waits for it stays bounded though its waiters have left", async () => {
  const { submit, aConversation, clock, hold, notes } = anEngine({ maxTurns: 20 });
  const { id, anna } = aConversation();
  hold();
  for (let round = 0; round < 10; round++) {
    for (let count = 0; count < 20; count++) submit({ conversationId: id, senderId: anna });
    await clock.runFor(deadlineMs + 300);
  }
  expect(notes.gauges.get("lane_queue_rows")!()).toBeLessThanOrEqual(40);
  expect(notes.gauges.get("mailbox_turns")!()).toBe(0);
});

test("at the cap the longest idle conversations leave memory, and come back when they are written to", async () => {
  const { submit, aConversation, clock, notes, contents } = anEngine({ maxActors: 10 });
  const conversations = Array.from({ length: 25 }, () => aConversation());
  for (const round of ["first", "second"])
    for (const { id, anna } of conversations) {
      const sent = submit({ conversationId: id, senderId: anna, content: round });
      await clock.runUntil(() => answered([sent]), 1_000);
      expect(kindOf(sent)).toBe("done");
    }
  expect(notes.gauges.get("actors")!()).toBeLessThanOrEqual(10);
  expect(notes.passivated).toBeGreaterThanOrEqual(40);
  for (const { id } of conversations) expect(contents(id)).toEqual(["first", "second"]);
});

test("I10: conversations leave memory by what they take there, not only by their number", async () => {
  const { submit, aConversation, clock, notes, contents } = anEngine({
    maxActors: 1_000,
    maxActorBytes: 1 << 20,
  });
  const large = Array.from({ length: 12 }, () => aConversation(998));
  const small = Array.from({ length: 100 }, () => aConversation());
  const inMemory = notes.gauges.get("actors")!;
  const write = async ({ id, anna }: (typeof large)[number]) => {
    const sent = submit({ conversationId: id, senderId: anna, content: "hello" });
    await clock.runUntil(() => answered([sent]), 1_000);
    expect(kindOf(sent)).toBe("done");
  };
  for (const each of large) await write(each);
  expect(inMemory()).toBeWithin(2, 6);
  for (const each of small) await write(each);
  expect(inMemory()).toBeGreaterThanOrEqual(100);
  for (const each of large) await write(each);
  for (const { id } of large) expect(contents(id)).toEqual(["hello", "hello"]);
});

test("I10: when no conversation is idle at the cap, a further one is refused, and works once there is room", async () => {
  const { submit, aConversation, clock, hold, release } = anEngine({ maxActors: 3 });
  hold();
  const busy = Array.from({ length: 3 }, () => aConversation()).map(({ id, anna }) =>
    submit({ conversationId: id, senderId: anna }),
  );
  const { id, anna } = aConversation();
  const refused = submit({ conversationId: id, senderId: anna });
  expect(refused.outcomes).toMatchObject([{ code: "overloaded", retryAfterMs: 1_000 }]);
  release();
  await clock.runUntil(() => answered(busy), 1_000);
  const later = submit({ conversationId: id, senderId: anna });
  await clock.runUntil(() => answered([later]), 1_000);
  expect(kindOf(later)).toBe("done");
});

test("I3: a conversation that left memory still knows its keys", async () => {
  const { submit, aConversation, clock } = anEngine({ maxActors: 1 });
  const [one, other] = [aConversation(), aConversation()];
  const ask = async (given: Partial<SendMessage>) => {
    const sent = submit(given);
    await clock.runUntil(() => answered([sent]), 1_000);
    return sent;
  };
  const first = await ask({ conversationId: one.id, senderId: one.anna, clientRandom: 7, content: "once" });
  await ask({ conversationId: other.id, senderId: other.anna });
  const again = await ask({ conversationId: one.id, senderId: one.anna, clientRandom: 7, content: "twice" });
  expect(again.outcomes).toMatchObject([
    { type: "duplicate", differs: true, message: { id: first.command.id, content: "once" } },
  ]);
});

test("I1: past its deadline an undecided command is unavailable and never stored, also not later", async () => {
  const { submit, aConversation, clock, ownership, model } = anEngine();
  const { id, anna } = aConversation();
  ownership.lose();
  const sent = submit({ conversationId: id, senderId: anna });
  await clock.runFor(deadlineMs - 1);
  expect(sent.outcomes).toEqual([]);
  await clock.runUntil(() => answered([sent]), 500);
  expect(sent.outcomes).toMatchObject([{ code: "unavailable", retryAfterMs: 1_000 }]);
  ownership.gain();
  await clock.runFor(20_000);
  expect(model.has(id, sent.command.id)).toBe(false);
});

test("I1: past its deadline a command that may be stored is outcome_unknown, and the same key finds it later", async () => {
  const { submit, aConversation, clock, hold, release, contents } = anEngine();
  const { id, anna } = aConversation();
  hold();
  const sent = submit({ conversationId: id, senderId: anna, clientRandom: 1, content: "slow" });
  await clock.runUntil(() => answered([sent]), deadlineMs + 500);
  expect(sent.outcomes).toMatchObject([{ code: "outcome_unknown", retryAfterMs: 1_000 }]);
  release();
  await clock.runFor(100);
  const retry = submit({ conversationId: id, senderId: anna, clientRandom: 1, content: "slow" });
  await clock.runUntil(() => answered([retry]), 1_000);
  expect(retry.outcomes).toMatchObject([
    { type: "duplicate", differs: false, message: { id: sent.command.id } },
  ]);
  expect(contents(id)).toEqual(["slow"]);
  expect(sent.outcomes).toHaveLength(1);
});

test("I8: who leaves between two additions that were looked up together is not added again", async () => {
  const { engine, model, clock } = anEngine();
  const [id, anna, ben] = [newId(), newId(), newId()];
  model.create(id, membersNamed([anna, ben]), "group");
  const outcomes: Outcome[] = [];
  const note = (outcome: Outcome) => void outcomes.push(outcome);
  const adding = { type: "add_members", conversationId: id, senderId: anna, userIds: [ben] } as const;
  const leaving = { type: "leave_conversation", conversationId: id, senderId: ben } as const;
  for (const command of [adding, leaving, adding])
    engine.commands.submit({ ...command, id: newId() }, note, null);
  await clock.runUntil(() => outcomes.length === 3, 1_000);
  const kinds = outcomes.map((outcome) => (outcome.type === "rejection" ? outcome.code : outcome.type));
  expect(kinds).toEqual(["conflict", "done", "conflict"]);
  expect(model.present(id).map(({ userId }) => userId)).toEqual([anna]);
  engine.stop();
});

test("I8: an addition whose outcome is unknown is under way until it is stored, so that no block counts as applied before it", async () => {
  const { engine, model, clock, hold, release } = anEngine();
  const [id, anna] = [newId(), newId()];
  model.create(id, membersNamed([anna, newId(), newId()]), "group");
  const outcomes: Outcome[] = [];
  const addition = { type: "add_members", id: newId(), conversationId: id, senderId: anna } as const;
  hold();
  engine.commands.submit({ ...addition, userIds: [newId()] }, (outcome) => void outcomes.push(outcome), null);
  await clock.runUntil(() => outcomes.length > 0, deadlineMs + 500);
  expect(outcomes).toMatchObject([{ code: "outcome_unknown" }]);
  let isSettled = false;
  void engine.meetings.settled().then(() => {
    isSettled = true;
  });
  await clock.runFor(50);
  expect(isSettled).toBe(false);
  release();
  await clock.runUntil(() => isSettled, 1_000);
  expect(model.present(id)).toHaveLength(4);
});

test("I12: a drain answers everything that was taken, and refuses what comes after it", async () => {
  const { engine, submit, aConversation, clock, hold, release, contents } = anEngine();
  const { id, anna } = aConversation();
  hold();
  const taken = Array.from({ length: 10 }, () => submit({ conversationId: id, senderId: anna }));
  await clock.runFor(50);
  let drained = false;
  const draining = engine.drain().then(() => {
    drained = true;
  });
  const late = submit({ conversationId: id, senderId: anna });
  expect(late.outcomes).toMatchObject([{ code: "unavailable", retryAfterMs: 1_000 }]);
  await settled();
  expect(drained).toBe(false);
  release();
  await clock.runUntil(() => drained, 1_000);
  await draining;
  expect(tally(taken)).toEqual({ done: 10 });
  expect(contents(id)).toHaveLength(10);
});

test("I12: a drain ends by the deadlines even when the store never comes back", async () => {
  const { engine, submit, aConversation, clock, hold } = anEngine();
  const { id, anna } = aConversation();
  hold();
  const taken = [
    submit({ conversationId: id, senderId: anna }),
    submit({ conversationId: id, senderId: anna }),
  ];
  let drained = false;
  void engine.drain().then(() => {
    drained = true;
  });
  await clock.runUntil(() => drained, deadlineMs + 500);
  expect(tally(taken)).toEqual({ outcome_unknown: 2 });
});

test("I8: a stranger and a conversation that does not exist get the same refusal, character for character", async () => {
  const { submit, aConversation, clock, contents } = anEngine();
  const { id } = aConversation();
  const sent = [submit({ conversationId: id }), submit({ conversationId: newId() })];
  await clock.runUntil(() => answered(sent), 1_000);
  expect(sent[0]!.outcomes).toEqual(sent[1]!.outcomes);
  expect(kindOf(sent[0]!)).toBe("not_found");
  expect(contents(id)).toEqual([]);
});

test("I10: a change that the store refuses costs only itself; those around it are stored in order", async () => {
  const { submit, aConversation, clock, contents } = anEngine();
  const [guilty, bystander] = [aConversation(), aConversation()];
  const sent = ["a", poison, "b"].flatMap((content) => [
    submit({ conversationId: guilty.id, senderId: guilty.anna, content }),
    submit({
      conversationId: bystander.id,
      senderId: bystander.anna,
      content: content === poison ? "x" : content,
    }),
  ]);
  await clock.runUntil(() => answered(sent), 5_000);
  expect(tally(sent)).toEqual({ done: 5, internal: 1 });
  expect(contents(guilty.id)).toEqual(["a", "b"]);
  expect(contents(bystander.id)).toEqual(["a", "x", "b"]);
});

test("I10: an answer that throws is a bug of its own and hurts nobody else", async () => {
  const { engine, submit, aConversation, clock, notes } = anEngine();
  const { id, anna } = aConversation();
  const throws = () => {
    throw new Error("the socket is gone");
  };
  engine.commands.submit(aSend({ conversationId: id, senderId: anna, clientRandom: 1 }), throws, null);
  engine.commands.submit(aSend({ conversationId: id, senderId: anna, clientRandom: 1 }), throws, null);
  const next = submit({ conversationId: id, senderId: anna });
  await clock.runUntil(() => answered([next]), 1_000);
  await clock.runFor(100);
  expect(kindOf(next)).toBe("done");
  expect(notes.bugs.map((bug) => bug.where)).toEqual(["answering a command", "answering a command"]);
  expect(engine.commands.underWay).toBe(0);
});

test("I4: without the right to write nothing is decided; with it back, everything is decided from a fresh load", async () => {
  const { submit, aConversation, clock, ownership, model, notes, contents } = anEngine();
  const { id, anna } = aConversation();
  const first = submit({ conversationId: id, senderId: anna, content: "before" });
  await clock.runUntil(() => answered([first]), 1_000);
  ownership.lose();
  const waiting = submit({ conversationId: id, senderId: anna, content: "after" });
  await clock.runFor(1_000);
  expect(waiting.outcomes).toEqual([]);
  const loads = notes.loads;
  ownership.gain();
  await clock.runUntil(() => answered([waiting]), 1_000);
  expect(notes.loads).toBeGreaterThan(loads);
  expect(contents(id)).toEqual(["before", "after"]);
  expect(model.misuses).toEqual([]);
});

test("I1 I4: an epoch raised from outside under load: the next write is refused, nothing is told of it, the owner recovers", async () => {
  const { submit, aConversation, clock, model, notes, frames, contents } = anEngine();
  const [taken, bystander] = [aConversation(), aConversation()];
  const warm = [taken, bystander].map(({ id, anna }) =>
    submit({ conversationId: id, senderId: anna, content: "1" }),
  );
  await clock.runUntil(() => answered(warm), 1_000);
  model.raiseEpochs([shardOf(taken.id)]);
  const sent = [taken, bystander].map(({ id, anna }) =>
    submit({ conversationId: id, senderId: anna, content: "2" }),
  );
  await clock.runUntil(() => notes.failedBatches.length > 0, 1_000);
  expect(notes.failedBatches).toEqual(["fenced"]);
  expect(frames).toHaveLength(2);
  expect(sent.map(kindOf)).toEqual([undefined, undefined]);
  await clock.runUntil(() => answered(sent), 1_000);
  expect(sent.map(kindOf)).toEqual(["done", "done"]);
  expect(contents(taken.id)).toEqual(["1", "2"]);
});

test("group commit: what queues up while a batch is on its way shares the next one", async () => {
  const { submit, aConversation, clock, hold, release, batches } = anEngine();
  const { id, anna } = aConversation();
  hold();
  const first = submit({ conversationId: id, senderId: anna });
  await clock.runFor(50);
  const rest = Array.from({ length: 40 }, () => submit({ conversationId: id, senderId: anna }));
  await clock.runFor(50);
  const changes = () => batches.map((batch) => batch.changes.length).filter((count) => count > 0);
  expect(changes()).toEqual([1]);
  release();
  await clock.runUntil(() => answered([first, ...rest]), 1_000);
  expect(changes()).toEqual([1, 40]);
});

test("joins that arrive while a read is in flight share the next one, and strangers learn nothing", async () => {
  const { engine, aConversation, clock, syncReads } = anEngine();
  let reads = 0;
  const read = syncReads.joinFacts;
  syncReads.joinFacts = (asked, users) => {
    reads++;
    return read(asked, users);
  };
  const conversations = Array.from({ length: 50 }, aConversation);
  const joins = conversations.map(({ id, anna }) =>
    engine.joins.conversation({ viewerId: anna, conversationId: id, since: null }),
  );
  const strangers = [conversations[0]!.id, newId()].map((conversationId) =>
    engine.joins.conversation({ viewerId: newId(), conversationId, since: null }),
  );
  await clock.runFor(1);
  const late = engine.joins.conversation({
    viewerId: conversations[0]!.anna,
    conversationId: conversations[0]!.id,
    since: null,
  });
  const all = Promise.all([...joins, late, ...strangers]);
  await clock.runFor(1_000);
  const answers = await all;
  expect(reads).toBe(2);
  for (const answer of answers.slice(0, 51))
    expect(answer).toMatchObject({ facts: { head: { seq: 0, rev: 0 } } });
  expect(answers[51]).toMatchObject({ code: "not_found" });
  expect(answers[51]).toEqual(answers[52]!);
});

test("I8 E11: the store decides who is a stranger: who was added behind the back of memory is asked to come again, and served then", async () => {
  const { engine, model, clock, submit, aConversation } = anEngine();
  const { id, anna } = aConversation();
  submit({ conversationId: id, senderId: anna });
  await clock.runFor(100);
  const carl = newId();
  const member = {
    ...membersNamed([carl]).get(carl)!,
    joinedSeq: 1,
    joinedRev: 2,
    rev: 2,
    leftSeq: null,
    leftAtUs: null,
  };
  model.write(id, [{ type: "member_added", rev: 2, conversationId: id, actorId: anna, atUs: 9, member }]);
  const first = submit({ conversationId: id, senderId: carl });
  await clock.runFor(200);
  expect(first.outcomes).toMatchObject([{ type: "rejection", code: "unavailable", retryAfterMs: 1_000 }]);
  const second = submit({ conversationId: id, senderId: carl });
  await clock.runFor(200);
  expect(second.outcomes).toMatchObject([{ type: "done" }]);
  engine.stop();
});

test("I8 E11: a stranger whose membership cannot be read is told that, and not that there is no such conversation", async () => {
  const { engine, actorReads, clock, submit, aConversation } = anEngine();
  const { id, anna } = aConversation();
  submit({ conversationId: id, senderId: anna });
  await clock.runFor(100);
  actorReads.areMembers = () => Promise.reject(new StoreUnavailable({ cause: null }));
  const { outcomes } = submit({ conversationId: id });
  await clock.runFor(200);
  expect(outcomes).toMatchObject([{ type: "rejection", code: "unavailable" }]);
  engine.stop();
});

test("E3: of another history of the store, neither confirmed positions nor waiting marks are stored", async () => {
  const { engine, ownership, cursors, clock, batches, submit, hold, release, aConversation } = anEngine();
  const saved = spyOn(cursors, "save");
  const { id, anna, ben } = aConversation();
  submit({ conversationId: id, senderId: anna });
  await clock.runFor(100);
  hold();
  submit({ conversationId: id, senderId: anna });
  await clock.runFor(10);
  const sent = batches.length;
  engine.marks.note({ type: "mark", conversationId: id, userId: ben, kind: "read", seq: 1 });
  engine.cursors.confirmed({ userId: ben, deviceId: "phone", conversationId: id, seq: 1, rev: 1 });
  ownership.restore();
  release();
  await engine.cursors.save();
  await clock.runFor(3_000);
  const marked = batches.slice(sent).flatMap(({ marks }) => marks.map(({ userId }) => userId));
  expect([marked.includes(ben), saved.mock.calls]).toEqual([false, []]);
  engine.stop();
});

test("E2: what waits while the right to serve is not confirmed is decided when it is, and nothing is loaded afresh", async () => {
  const { engine, ownership, clock, notes, submit, aConversation } = anEngine();
  const { id, anna } = aConversation();
  submit({ conversationId: id, senderId: anna });
  await clock.runFor(100);
  const { loads } = notes;
  ownership.pause();
  const waiting = submit({ conversationId: id, senderId: anna });
  await clock.runFor(2_000);
  expect(waiting.outcomes).toEqual([]);
  ownership.resume();
  await clock.runFor(100);
  expect(waiting.outcomes).toMatchObject([{ type: "done" }]);
  expect(notes.loads).toBe(loads);
  engine.stop();
});
