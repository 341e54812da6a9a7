import { describe, expect, test } from "bun:test";
import type { SendMessage } from "../../core/messages/send.ts";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import { anEngine } from "../../testing/model/engine-on-model.ts";

/** Spelled out, so that a change of the constant is noticed here. */
const dayUs = 86_400_000_000;
/** More than the store gives to a conversation that is loaded (4 in the model), and than its memory begins with. */
const others = 40;

/** A conversation in which a key was used, and how a second use comes out after so many microseconds. */
async function usedOnce({ isForgotten }: { readonly isForgotten: boolean }) {
  const given = anEngine({ maxActors: 1 });
  const { clock, model } = given;
  const [talk, elsewhere] = [given.aConversation(), given.aConversation()];
  const send = async (message: Partial<SendMessage>) => {
    const sent = given.submit({ conversationId: talk.id, senderId: talk.anna, ...message });
    await clock.runUntil(() => sent.outcomes.length > 0, 5_000);
    return sent.outcomes[0]!;
  };
  await send({ clientRandom: 7, content: "first" });
  if (isForgotten) {
    for (let key = 100; key < 100 + others; key++) await send({ clientRandom: key });
    // The conversation leaves memory, and comes back with its newest keys alone.
    await send({ conversationId: elsewhere.id, senderId: elsewhere.anna });
  }
  const first = model.logs.get(talk.id)!.messages[0]!;
  const againAfter = async (passedUs: number) => {
    clock.stepWallClock(first.sentAtUs + passedUs - clock.nowUs());
    expect(clock.nowUs()).toBe(first.sentAtUs + passedUs);
    return send({ clientRandom: 7, content: "again" });
  };
  return { first, againAfter, send, seq: () => model.logs.get(talk.id)!.messages.length };
}

test("I3: each device of a sender has keys of its own, of which memory and the store's index each know", async () => {
  const [phone, tablet] = [deviceTagOf("phone"), deviceTagOf("tablet")];
  for (const isForgotten of [false, true]) {
    const { first, send, seq } = await usedOnce({ isForgotten });
    const before = seq();
    for (const [at, deviceTag] of [phone, tablet].entries()) {
      const own = { deviceTag, clientRandom: 7, content: `from ${deviceTag}` };
      const done = await send(own);
      expect(done).toMatchObject({ type: "done", events: [{ seq: before + at + 1, releasesKeyOf: null }] });
      const again = await send({ ...own, content: "again" });
      expect(again).toMatchObject({ type: "duplicate", differs: true, message: { content: own.content } });
    }
    expect(await send({ clientRandom: 7 })).toMatchObject({ type: "duplicate", message: { id: first.id } });
    expect(seq()).toBe(before + 2);
  }
});

describe.each([
  ["that memory knows", false, 1],
  // It is looked up before it is decided again, which takes its time.
  ["that only the store's index knows", true, 1_000_000],
])("I3: a client_random %s", (_, isForgotten, marginUs) => {
  test("gives the first message back until 24 hours have passed", async () => {
    for (const passedUs of [1, dayUs / 2, dayUs - 3_600_000_000, dayUs - marginUs]) {
      const { first, againAfter, seq } = await usedOnce({ isForgotten });
      const before = seq();
      expect([passedUs, await againAfter(passedUs)]).toEqual([
        passedUs,
        expect.objectContaining({
          type: "duplicate",
          differs: true,
          message: expect.objectContaining({ id: first.id }),
        }),
      ]);
      expect(seq()).toBe(before);
    }
  });

  test("is free again from 24 hours on, and then belongs to the new message", async () => {
    for (const passedUs of [dayUs, dayUs + 1]) {
      const { first, againAfter, send, seq } = await usedOnce({ isForgotten });
      const next = seq() + 1;
      expect(await againAfter(passedUs)).toMatchObject({
        type: "done",
        events: [{ seq: next, content: "again", releasesKeyOf: first.seq }],
      });
      expect(await send({ clientRandom: 7, content: "again" })).toMatchObject({
        type: "duplicate",
        message: { seq: next },
      });
    }
  });
});
