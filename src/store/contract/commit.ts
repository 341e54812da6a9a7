import { expect, test } from "bun:test";
import fc from "fast-check";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId } from "../../system.ts";
import { clientRandoms, wellFormedText } from "../../testing/builders/arbitraries.ts";
import { aBatch, aMark, aSending, messageOf, startUs } from "../../testing/builders/changes.ts";
import { aGroup, append, type StoreStage, storedAll } from "./stage.ts";

/** What `CommitPort` says of heads, epochs and keys. */
export function commitContract(on: () => StoreStage): void {
  const headsOf = (ids: readonly string[]) => on().deliveryReads.heads(ids);
  const messagesOf = async (id: string, count: number) => {
    const places = Array.from({ length: count }, (_, index) => ({ conversationId: id, seq: index + 1 }));
    return (await on().actorReads.readMessages(places)).filter((message) => message !== null);
  };
  const seqsOf = async (id: string) => (await messagesOf(id, 9)).map(({ seq }) => seq);

  test("I4: one stale epoch among many, and nothing of the whole batch is written", async () => {
    const groups = await Promise.all(Array.from({ length: 20 }, () => aGroup(on())));
    const epochOf = await on().epochs();
    const taken = shardOf(groups[7]!.id);
    await on().raiseEpochs([taken]);
    const batch = aBatch({
      changes: groups.map(({ id }) => aSending(id, 1)),
      marks: [aMark(groups[0]!.id, groups[0]!.members[1]!, { read: 1 })],
    });
    expect(await on().commit.append(batch, epochOf)).toEqual({ type: "fenced", shards: [taken] });
    for (const { id } of groups) expect(await seqsOf(id)).toEqual([]);
    expect(new Set((await headsOf(groups.map(({ id }) => id))).values())).toEqual(new Set([0]));
  });

  test("I4: an owner that was paused while another took over cannot write when it wakes", async () => {
    const { id } = await aGroup(on());
    const asleep = await on().epochs();
    const append1 = (seq: number) => on().commit.append(aBatch({ changes: [aSending(id, seq)] }), asleep);
    expect(await append1(1)).toEqual(storedAll);
    await on().raiseEpochs([shardOf(id)]);
    expect(await append(on(), { changes: [aSending(id, 2)] })).toEqual(storedAll);
    for (const seq of [3, 2]) expect(await append1(seq)).toEqual({ type: "fenced", shards: [shardOf(id)] });
    expect(await seqsOf(id)).toEqual([1, 2]);
  });

  test("a head that is elsewhere costs only its own conversation: of it nothing is written, of the others everything", async () => {
    const groups = await Promise.all(Array.from({ length: 12 }, () => aGroup(on())));
    const moved = groups.filter((_, index) => index % 3 === 1).map(({ id }) => id);
    await append(on(), { changes: moved.map((id) => aSending(id, 1, { content: "another owner's" })) });
    const changes = groups.flatMap(({ id }) => [1, 2, 3].map((seq) => aSending(id, seq)));
    expect(await append(on(), { changes })).toEqual({ ...storedAll, moved: new Set(moved) });
    for (const { id } of groups) expect(await seqsOf(id)).toEqual(moved.includes(id) ? [1] : [1, 2, 3]);
    expect((await headsOf([moved[0]!])).get(moved[0]!)).toBe(1);
  });

  test("I3: a client_random that is taken refuses the batch by name, and one batch frees an old one and uses it again", async () => {
    const [{ id, members }, other] = [await aGroup(on()), await aGroup(on())];
    const key = { senderId: members[0]!, deviceTag: deviceTagOf("phone"), clientRandom: 4_294_967_295 };
    await append(on(), { changes: [aSending(id, 1, key)] });
    const repeated = { changes: [aSending(id, 2, key), aSending(other.id, 1)] };
    expect(await append(on(), repeated)).toMatchObject({ type: "refused", cause: "duplicate_key" });
    const twice = { changes: [2, 3].map((seq) => aSending(id, seq, { ...key, clientRandom: 9 })) };
    expect(await append(on(), twice)).toMatchObject({ type: "refused", cause: "duplicate_key" });
    expect([await seqsOf(id), await seqsOf(other.id)]).toEqual([[1], []]);
    const lookup = { conversationId: id, ...key };
    const holders = async () => (await on().actorReads.findKeys([lookup])).map(({ seq }) => seq);
    expect(await holders()).toEqual([1]);
    const freeing = aSending(id, 2, { ...key, releasesKeyOf: 1 });
    expect(await append(on(), { changes: [freeing, aSending(id, 3)] })).toEqual(storedAll);
    expect(await holders()).toEqual([2]);
    expect((await messagesOf(id, 1))[0]).toMatchObject({ clientRandom: 4_294_967_295 });
  });

  test("I3: two devices of a sender hold the same client_random, each its own", async () => {
    const { id, members } = await aGroup(on());
    const own = { senderId: members[0]!, clientRandom: 1 };
    const tags = ["phone", "tablet", null].map(deviceTagOf) as [number, number, number];
    const sending = (seq: number, deviceTag: number) =>
      append(on(), { changes: [aSending(id, seq, { ...own, deviceTag })] });
    for (const [index, tag] of tags.entries()) expect(await sending(index + 1, tag)).toEqual(storedAll);
    for (const tag of tags)
      expect(await sending(4, tag)).toMatchObject({ type: "refused", cause: "duplicate_key" });
    const lookups = tags.slice(1).map((deviceTag) => ({ conversationId: id, ...own, deviceTag }));
    const found = await on().actorReads.findKeys(lookups);
    expect(found.map(({ deviceTag, seq, sentAtUs }) => [deviceTag, seq, sentAtUs])).toEqual([
      [tags[1], 2, startUs + 2],
      [tags[2], 3, startUs + 3],
    ]);
    const [loaded] = await on().actorReads.loadConversations([id]);
    expect(loaded!.keyUses).toEqual(
      tags.map((deviceTag, index) => ({ ...own, deviceTag, seq: index + 1, sentAtUs: startUs + index + 1 })),
    );
  });

  test("I9: whatever text is stored is read back equal, to the character and the microsecond", async () => {
    const { id } = await aGroup(on());
    const message = fc.tuple(fc.oneof(wellFormedText, fc.constant("")), fc.json(), fc.option(clientRandoms));
    let seq = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 20 }), async (given) => {
        const changes = given.map(([content, metadata, clientRandom]) => {
          const sentAtUs = startUs + ++seq * 7;
          return aSending(id, seq, { senderId: newId(), content, metadata, clientRandom, sentAtUs });
        });
        expect(await append(on(), { changes })).toEqual(storedAll);
        const places = changes.map(({ rev }) => ({ conversationId: id, seq: rev }));
        expect(await on().actorReads.readMessages(places)).toEqual(changes.map(messageOf));
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  test("a batch without anything stores nothing", async () => {
    expect(await append(on(), {})).toEqual(storedAll);
    expect(await headsOf([newId()])).toEqual(new Map());
  });
}
