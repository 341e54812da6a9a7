import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aSend, messageSentAs } from "../../testing/builders/builders.ts";
import { someFacts } from "../../testing/builders/facts.ts";
import { anEngine } from "../../testing/model/engine-on-model.ts";
import { Lookups } from "./lookups.ts";
import { missingFacts, missingFactsOf } from "./missing-facts.ts";

test("a rule that asks for what its command did not declare is a bug that names the table", () => {
  const facts = someFacts();
  const ref = { conversationId: newId(), messageId: newId() };
  const asking = [
    () => facts.message(newId()),
    () => facts.messageElsewhere(ref, newId()),
    () => facts.contact(newId(), newId()),
    () => facts.metadata(),
  ];
  for (const ask of asking) expect(ask).toThrow("the rule of the command");
});

test("I8: a message of another conversation is found for a user who sees it, and for nobody else", async () => {
  const { model, actorReads, clock, notes, submit, aConversation, engine } = anEngine();
  const there = aConversation();
  const sent = submit({ conversationId: there.id, senderId: there.anna, content: "over there" });
  await clock.runUntil(() => sent.outcomes.length > 0, 1_000);
  const lookups = new Lookups({ reads: actorReads, clock, observer: notes.observer });
  const ref = { conversationId: there.id, messageId: sent.command.id };
  const found: unknown[] = [];
  const find = async (senderId: string) => {
    const facts = someFacts();
    const command = aSend({ senderId });
    const [missing] = missingFactsOf(facts, command, { elsewhere: () => [ref] });
    const learn = await missing!.load(lookups);
    if (typeof learn === "function") learn(facts);
    expect(missingFactsOf(facts, command, { elsewhere: () => [ref] })).toEqual([]);
    found.push(facts.messageElsewhere(ref, senderId)?.content ?? null);
  };
  for (const viewerId of [there.ben, newId()]) void find(viewerId);
  await clock.runUntil(() => found.length === 2, 1_000);
  expect(new Set(found)).toEqual(new Set(["over there", null]));
  expect(model.misuses).toEqual([]);
  engine.stop();
});

test("I10: what commands that wait together need is looked up once each, and only so many at once", () => {
  const facts = someFacts({ messages: [messageSentAs()] });
  const same = aSend({ replyToId: newId() });
  const others = Array.from({ length: 99 }, () => aSend({ replyToId: newId() }));
  expect([...missingFacts(facts, Array(50).fill(same)).values()]).toMatchObject([{ kind: "message" }]);
  expect(missingFacts(facts, others).size).toBe(32);
  const additions = Array.from(
    { length: 9 },
    () => ({ ...same, id: newId(), type: "add_members", userIds: [newId(), newId()] }) as const,
  );
  expect(missingFacts(facts, additions).size).toBe(4);
});
