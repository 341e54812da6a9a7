import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Command } from "../../core/commands.ts";
import { type Message, type MessageSent, sizeOfMessage } from "../../core/messages/message.ts";
import { quoteOf } from "../../core/messages/quote.ts";
import type { Outcome } from "../../core/outcome.ts";
import { newId } from "../../system.ts";
import { aMessageSent, aSend, membersNamed } from "../../testing/builders/builders.ts";
import { anEngine, type EngineOnModelOptions } from "../../testing/model/engine-on-model.ts";
import { poison } from "../../testing/model/model-store.ts";
import { RecentMessages, type SharedBytes } from "./recent-messages.ts";

type Done = Outcome & { readonly type: "done" };
type Given<Each extends Command = Command> = Each extends Command
  ? Omit<Each, "id" | "conversationId" | "withinUs" | "mentions" | "metadata">
  : never;

/** A direct conversation over the model, of which the look-ups of messages are counted. */
function aTalk(options: EngineOnModelOptions = {}) {
  const given = anEngine(options);
  const { engine, clock, actorReads } = given;
  const talk = given.aConversation();
  const looked = { up: 0 };
  const { findTargets } = actorReads;
  actorReads.findTargets = (lookups) => {
    looked.up += lookups.length;
    return findTargets(lookups);
  };
  const begin = (command: Command) => {
    const outcomes: Outcome[] = [];
    engine.commands.submit(command, (outcome) => void outcomes.push(outcome), null);
    return outcomes;
  };
  const outcomeOf = async (outcomes: readonly Outcome[]) => {
    await clock.runUntil(() => outcomes.length > 0, 5_000);
    return outcomes[0]!;
  };
  const aCommand = (command: Given, conversationId = talk.id) =>
    ({ metadata: null, mentions: false, withinUs: 1e12, ...command, id: newId(), conversationId }) as Command;
  const send = async (message: Parameters<typeof aSend>[0] = {}) => {
    const command = aSend({ conversationId: talk.id, senderId: talk.anna, ...message });
    const { events } = (await outcomeOf(begin(command))) as Done;
    return events[0] as MessageSent;
  };
  const act = (command: Given) => outcomeOf(begin(aCommand(command)));
  return { ...given, ...talk, looked, begin, outcomeOf, aCommand, send, act };
}

const react = (senderId: string, messageId: string, reaction = "👍") =>
  ({ type: "add_reaction", senderId, messageId, reaction }) as const;
const edit = (senderId: string, messageId: string, content: string) =>
  ({ type: "edit_message", senderId, messageId, content }) as Given;
const remove = (senderId: string, messageId: string) =>
  ({ type: "delete_message", senderId, messageId }) as Given;

describe("a message that was sent just now", () => {
  test("is answered, reacted to, edited and deleted without a look-up, each time as it is by then", async () => {
    const { anna, ben, looked, model, id, send, act } = aTalk();
    const message = await send({ content: "first" });
    await act(react(ben, message.id));
    await act(edit(anna, message.id, "second"));
    const reply = await send({ senderId: ben, replyToId: message.id });
    expect(reply.replyTo).toMatchObject({ seq: 1, quote: { content: "second", isDeleted: false } });
    expect(await act(react(ben, message.id))).toMatchObject({
      type: "unchanged",
      message: { content: "second" },
    });
    await act({ type: "remove_reaction", senderId: ben, messageId: message.id, reaction: "👍" });
    const deleted = (await act(remove(anna, message.id))) as Done;
    expect(deleted.events).toMatchObject([{ message: { content: "", reactions: null } }]);
    expect(await act(react(ben, message.id))).toMatchObject({ code: "conflict" });
    const last = await send({ senderId: ben, replyToId: message.id });
    expect(last.replyTo!.quote).toMatchObject({ content: null, isDeleted: true });
    expect(looked.up).toBe(0);
    expect(model.logs.get(id)!.messages.map(({ rev }) => rev)).toEqual([6, 4, 7]);
  });

  test("is changed only when it is stored: one batch does not change what it stores", async () => {
    const { anna, ben, looked, model, batches, aCommand, id, begin, outcomeOf } = aTalk();
    const sent = aSend({ conversationId: id, senderId: anna });
    const outcomes = [begin(sent), begin(aCommand(react(ben, sent.id)))];
    for (const each of outcomes) expect(await outcomeOf(each)).toMatchObject({ type: "done" });
    expect(batches.map(({ changes }) => changes.length).filter((count) => count > 0)).toEqual([1, 1]);
    expect([looked.up, model.misuses]).toEqual([0, []]);
  });
});

test("a reply that is remembered quotes what it answers as that is by then, also when that one is not remembered any more", async () => {
  const { anna, ben, looked, send, act } = aTalk({ memory: { maxMessages: 2 } });
  const answered = await send({ content: "first" });
  const reply = await send({ senderId: ben, replyToId: answered.id });
  await act(edit(anna, answered.id, "second"));
  await send();
  const { events } = (await act(edit(ben, reply.id, "better"))) as Done;
  expect(events).toMatchObject([
    { message: { content: "better", replyTo: { quote: { content: "second" } } } },
  ]);
  expect(looked.up).toBe(0);
});

test("an old message is looked up once, is remembered then, and is looked up again when newer ones took its place", async () => {
  const { ben, looked, send, act } = aTalk({ memory: { maxMessages: 4 } });
  const old = await send();
  for (let count = 0; count < 4; count++) await send();
  await act(react(ben, old.id, "1"));
  expect(looked.up).toBe(1);
  await act(react(ben, old.id, "2"));
  await send({ replyToId: old.id });
  expect(looked.up).toBe(1);
  for (let count = 0; count < 4; count++) await send();
  const { events } = (await act(react(ben, old.id, "3"))) as Done;
  expect(looked.up).toBe(2);
  expect(events).toMatchObject([
    { message: { reactions: { list: [{ reaction: "1" }, { reaction: "2" }, { reaction: "3" }] } } },
  ]);
});

describe("nothing is taken for stored that is not", () => {
  test("I1: a message whose batch failed does not exist", async () => {
    const { anna, ben, looked, id, begin, outcomeOf, aCommand } = aTalk();
    const sent = aSend({ conversationId: id, senderId: anna, content: poison });
    const [sending, reacting, answering] = [
      begin(sent),
      begin(aCommand(react(ben, sent.id))),
      begin(aSend({ conversationId: id, senderId: ben, replyToId: sent.id })),
    ];
    expect(await outcomeOf(sending)).toMatchObject({ code: "internal" });
    expect(await outcomeOf(reacting)).toMatchObject({ code: "not_found" });
    expect(await outcomeOf(answering)).toMatchObject({ code: "invalid_payload" });
    expect(looked.up).toBe(1);
  });

  test("I1: an edit, a reaction or a deletion whose batch failed is not remembered, and the message is looked up again", async () => {
    let refusing = false;
    const refused = { type: "refused", cause: "data", error: new Error("no") } as const;
    const outcomeOf = () => (refusing ? refused : null);
    const { anna, ben, looked, send, act } = aTalk({ outcomeOf });
    const message = await send({ content: "first" });
    for (const change of [
      edit(anna, message.id, "second"),
      react(anna, message.id, "x"),
      remove(anna, message.id),
    ]) {
      refusing = true;
      expect(await act(change)).toMatchObject({ code: "internal" });
      refusing = false;
    }
    const { events } = (await act(react(ben, message.id))) as Done;
    expect(events).toMatchObject([
      { rev: 2, message: { content: "first", deletedAtUs: null, reactions: { list: [{ userId: ben }] } } },
    ]);
    expect(looked.up).toBe(3);
  });

  test("I4: after a take-over, what another node changed meanwhile counts", async () => {
    const { id, anna, ben, looked, model, ownership, clock, send, act } = aTalk();
    const message = await send({ content: "first" });
    ownership.lose();
    const theirs: Message = { ...model.message(id, 1)!, rev: 2, content: "theirs", editedAtUs: 9 };
    const changed = { conversationId: id, rev: 2, changeId: newId(), message: theirs };
    model.write(id, [{ type: "message_edited", ...changed }]);
    ownership.gain();
    await clock.runFor(100);
    const reply = await send({ senderId: ben, replyToId: message.id });
    expect(reply).toMatchObject({ rev: 3, replyTo: { quote: { content: "theirs" } } });
    await act(edit(anna, message.id, "mine"));
    expect(looked.up).toBe(1);
  });
});

describe("I10: the memory of messages is bounded", () => {
  const large = "x".repeat(10_000);

  test("in bytes: a message that is larger than a conversation may remember is looked up each time", async () => {
    const { ben, looked, send, act } = aTalk({ memory: { maxMessageBytes: 10_000 } });
    const [one, other] = [await send({ content: large }), await send()];
    await act(react(ben, one.id, "1"));
    await act(react(ben, one.id, "2"));
    await act(react(ben, other.id));
    expect(looked.up).toBe(2);
  });

  test("for all conversations together: those that are idle for longest forget theirs, and stay in memory", async () => {
    const { anna, ben, looked, model, clock, notes, begin, outcomeOf, aCommand } = aTalk({
      maxActorBytes: 1 << 20,
    });
    const talks = Array.from({ length: 100 }, () => {
      const id = newId();
      model.create(id, membersNamed([anna, ben]));
      return aSend({ conversationId: id, senderId: anna, content: large });
    });
    for (const command of talks) {
      await outcomeOf(begin(command));
      await clock.runFor(100);
    }
    const reactTo = (command: (typeof talks)[number]) =>
      outcomeOf(begin(aCommand(react(ben, command.id), command.conversationId)));
    await reactTo(talks.at(-1)!);
    expect(looked.up).toBe(0);
    await reactTo(talks[0]!);
    expect(looked.up).toBe(1);
    expect(notes.passivated).toBe(0);
  });

  test.each([
    [0, false],
    [32, true],
  ])(
    "they count into what conversations take: with %p of each, others leave memory: %p",
    async (maxMessages, leave) => {
      const { anna, model, clock, notes, begin, outcomeOf } = aTalk({
        maxActorBytes: 1 << 20,
        memory: { maxMessages },
      });
      for (let group = 0; group < 3; group++) {
        const id = newId();
        model.create(id, membersNamed([anna, ...Array.from({ length: 1_100 }, () => newId())]));
        for (let count = 0; count < 10; count++)
          await outcomeOf(begin(aSend({ conversationId: id, senderId: anna, content: large })));
      }
      await clock.runFor(1_000);
      expect(notes.passivated > 0).toBe(leave);
    },
  );

  test("whatever enters: the newest that fit are kept, and the bytes that are told are those of what is kept", () => {
    const step = fc.record({
      do: fc.constantFrom("add", "add", "add", "change", "forget" as const),
      which: fc.nat({ max: 20 }),
      size: fc.nat({ max: 400 }),
      replyTo: fc.option(fc.nat({ max: 20 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 0, max: 6 }), (steps, maxMessages) => {
        const shared: SharedBytes = { max: 4_000, taken: 0 };
        const recent = new RecentMessages({ maxMessages, maxBytes: 3_000, shared });
        const all: Message[] = [];
        for (const { do: what, which, size, replyTo } of steps) {
          const old = all[all.length - 1 - which];
          if (what === "forget") recent.forget();
          else if (what === "change" && old) {
            const changed = { ...old, content: "y".repeat(size) };
            all[all.indexOf(old)] = changed;
            recent.changed(changed);
          } else {
            const answered = replyTo === null ? undefined : all[replyTo];
            const message = aMessageSent({
              seq: all.length + 1,
              content: "x".repeat(size),
              replyTo: answered ? { id: answered.id, seq: answered.seq, quote: quoteOf(answered) } : null,
            });
            all.push(plain(message));
            recent.add(message);
          }
          const kept = all.filter(({ id }) => recent.get(id) !== undefined);
          expect(kept.length).toBeLessThanOrEqual(maxMessages);
          for (const each of kept) {
            const answered = all.find(({ id }) => id === each.replyTo?.id);
            const quote = answered ? { ...each.replyTo!, quote: quoteOf(answered) } : null;
            expect(recent.get(each.id)).toEqual({ ...each, replyTo: quote });
          }
          const bytes = kept.reduce((sum, { id }) => sum + 600 + sizeOfMessage(recent.get(id)!), 0);
          expect([recent.bytes, shared.taken]).toEqual([bytes, bytes]);
          expect(bytes).toBeLessThanOrEqual(3_000);
        }
      }),
    );
  });
});

function plain({ type: _, deviceTag: __, releasesKeyOf: ___, ...message }: MessageSent): Message {
  return message;
}
