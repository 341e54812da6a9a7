import { expect, test } from "bun:test";
import fc from "fast-check";
import { clientRandoms, wellFormedText } from "../testing/builders/arbitraries.ts";
import { aSend, aState } from "../testing/builders/builders.ts";
import { applyAll, decideWith, someFacts } from "../testing/builders/facts.ts";
import type { MessageSent } from "./messages/message.ts";
import { keyLifetimeUs } from "./messages/send-key.ts";

const anna = "0190a0b0-0000-7000-8000-000000000001";
const ben = "0190a0b0-0000-7000-8000-000000000002";
const stranger = "0190a0b0-0000-7000-8000-000000000003";
const noonUs = 1_767_268_800_000_000;

const attempts = fc.array(
  fc.record({
    senderId: fc.constantFrom(anna, ben, stranger),
    clientRandom: fc.option(fc.integer({ min: 0, max: 5 })),
    /** The wall clock may step back, and now and then a day passes. */
    passesUs: fc.oneof(
      fc.integer({ min: -2_000_000, max: 2_000_000 }),
      fc.constantFrom(0, keyLifetimeUs - 1, keyLifetimeUs, keyLifetimeUs + 1),
    ),
  }),
  { maxLength: 60 },
);

/** Decides and applies in turn, as an actor does. */
function play(given: readonly { senderId: string; clientRandom: number | null; passesUs: number }[]) {
  const state = aState({ userIds: [anna, ben] });
  const facts = someFacts();
  const log: MessageSent[] = [];
  let nowUs = noonUs;
  const outcomes = given.map(({ senderId, clientRandom, passesUs }) => {
    nowUs += passesUs;
    const command = aSend({ conversationId: state.id, senderId, clientRandom });
    const decision = decideWith(state, facts, command, nowUs);
    if (decision.type === "decided") {
      applyAll(state, facts, decision.events);
      log.push(...(decision.events as MessageSent[]));
    }
    return { decision, senderId, clientRandom, nowUs };
  });
  return { state, log, outcomes };
}

test("I2: whatever is sent by whom, seq and rev count 1, 2, 3 … and sent_at grows with them", () => {
  fc.assert(
    fc.property(attempts, (given) => {
      const { log, state } = play(given);
      log.forEach((message, index) => {
        expect(message.seq).toBe(index + 1);
        expect(message.rev).toBe(index + 1);
        if (index > 0) expect(message.sentAtUs).toBeGreaterThan(log[index - 1]!.sentAtUs);
      });
      expect([state.seq, state.rev]).toEqual([log.length, log.length]);
    }),
  );
});

test("I3: a client_random gives the first message for 24 hours and is free again after them", () => {
  fc.assert(
    fc.property(attempts, (given) => {
      const first = new Map<string, MessageSent>();
      const { outcomes } = play(given);
      for (const { decision, senderId, clientRandom, nowUs } of outcomes) {
        if (senderId === stranger) continue;
        const key = `${senderId} ${clientRandom}`;
        const holder = clientRandom === null ? undefined : first.get(key);
        if (holder && nowUs - holder.sentAtUs < keyLifetimeUs) {
          expect(decision).toEqual({ type: "duplicate", seq: holder.seq, joinedSeq: 0 });
          continue;
        }
        if (decision.type !== "decided") throw new Error(`expected a new message, not ${decision.type}`);
        const sent = decision.events[0] as MessageSent;
        expect(sent.releasesKeyOf).toBe(holder?.seq ?? null);
        first.set(key, sent);
      }
    }),
  );
});

test("I8: strangers are refused as if there were no such conversation, and change nothing", () => {
  fc.assert(
    fc.property(attempts, (given) => {
      const { outcomes, log } = play(given);
      for (const { decision, senderId } of outcomes)
        expect(decision.type === "rejection" && decision.code === "not_found").toBe(senderId === stranger);
      expect(log.every((message) => message.senderId !== stranger)).toBe(true);
    }),
  );
});

test("I9: content and metadata enter the log character for character", () => {
  fc.assert(
    fc.property(wellFormedText, fc.json(), fc.option(clientRandoms), (content, metadata, clientRandom) => {
      const state = aState({ userIds: [anna, ben] });
      const command = aSend({ conversationId: state.id, senderId: anna, content, metadata, clientRandom });
      const decision = decideWith(state, someFacts(), command, noonUs);
      expect(decision).toMatchObject({ events: [{ id: command.id, content, metadata, clientRandom }] });
    }),
  );
});

test("deciding changes nothing: the same state, command and facts give the same decision", () => {
  const state = aState({ userIds: [anna, ben], seq: 7, rev: 9, lastSentAtUs: noonUs + 5 });
  const command = aSend({ conversationId: state.id, senderId: ben, clientRandom: 1 });
  const facts = someFacts();
  const decision = decideWith(state, facts, command, noonUs);
  expect(decideWith(state, facts, command, noonUs)).toEqual(decision);
  expect(decision).toMatchObject({
    events: [{ seq: 8, rev: 10, sentAtUs: noonUs + 6 }],
  });
});
