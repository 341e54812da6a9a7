import { expect, test } from "bun:test";
import fc from "fast-check";
import { type MarkedConversation, statusChanges } from "../../core/messages/marks.ts";
import type { AppendOutcome, Batch } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId } from "../../system.ts";
import {
  aBatch,
  aMark,
  aMemberEvent,
  aSending,
  changeOf,
  messageOf,
  startUs,
} from "../../testing/builders/changes.ts";
import { aGroup, append, byUser, type StoreStage } from "./stage.ts";

/** What `CommitPort` says of marks, and what viewers read of them. */
export function marksContract(on: () => StoreStage): void {
  function markedIn(outcome: AppendOutcome): readonly MarkedConversation[] {
    if (outcome.type !== "stored") throw new Error(`not stored: ${outcome.type}`);
    return outcome.marked;
  }

  async function mark(batch: Partial<Batch>): Promise<MarkedConversation> {
    const marked = markedIn(await append(on(), batch));
    expect(marked).toHaveLength(1);
    return marked[0]!;
  }

  /** A group of three with so many messages of its owner. */
  async function aLog(length: number) {
    const { id, members } = await aGroup(on());
    const [anna, ben, cleo] = members as [string, string, string];
    const changes = Array.from({ length }, (_, index) => aSending(id, index + 1, { senderId: anna }));
    if (length > 0) await append(on(), { changes });
    return { id, anna, ben, cleo, messages: changes.map(messageOf) };
  }

  /** The marks of a present member, as joins read them. */
  async function marksOf(conversationId: string, userId: string) {
    const since = { seq: 0, rev: 0, generation: null };
    const { conversations } = await on().syncReads.joinFacts(
      [{ viewerId: userId, conversationId, since }],
      [],
    );
    return conversations[0]!.marks.find((marks) => marks.userId === userId);
  }

  const moved = (userId: string, delivered: readonly [number, number], read: readonly [number, number]) => ({
    userId,
    deliveredFrom: delivered[0],
    deliveredTo: delivered[1],
    readFrom: read[0],
    readTo: read[1],
    wasUnread: false,
  });

  test("a mark tells from where to where it moved, who was where before, and the messages between, newest first", async () => {
    const { id, anna, ben, cleo, messages } = await aLog(5);
    await append(on(), { marks: [aMark(id, ben, { delivered: 2 })] });
    const marked = await mark({ marks: [aMark(id, ben, { delivered: 4, read: 3 })] });
    expect(marked).toMatchObject({ conversationId: id, moved: [moved(ben, [2, 4], [0, 3])] });
    expect(byUser(marked.members)).toEqual(
      byUser([
        { userId: anna, joinedSeq: 0, deliveredSeq: 0, readSeq: 0 },
        { userId: ben, joinedSeq: 0, deliveredSeq: 2, readSeq: 0 },
        { userId: cleo, joinedSeq: 0, deliveredSeq: 0, readSeq: 0 },
      ]),
    );
    const between = messages.slice(0, 4).reverse();
    expect(marked.messages).toEqual(
      between.map((each) => ({ id: each.id, seq: each.seq, senderId: each.senderId })),
    );
    expect(statusChanges(marked)).toEqual([]);
    const last = await mark({ marks: [aMark(id, cleo, { delivered: 3 })] });
    expect(statusChanges(last).map(({ message, status }) => [message.seq, status])).toEqual([
      [3, "delivered"],
      [2, "delivered"],
      [1, "delivered"],
    ]);
  });

  test("a message that is read is delivered; at most the newest 50 messages are reported", async () => {
    const { id, ben } = await aLog(70);
    const marked = await mark({ marks: [aMark(id, ben, { read: 65 })] });
    expect(marked.moved).toEqual([moved(ben, [0, 65], [0, 65])]);
    expect(marked.messages.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 50 }, (_, index) => 65 - index),
    );
  });

  test("I7: a mark never passes the head and never goes back; where nothing moves, nothing is reported", async () => {
    const { id, ben } = await aLog(5);
    const beyond = await mark({ marks: [aMark(id, ben, { delivered: 900 })] });
    expect(beyond.moved).toEqual([moved(ben, [0, 5], [0, 0])]);
    const still = await mark({ marks: [aMark(id, ben, { delivered: 2 })] });
    expect(still).toMatchObject({ moved: [moved(ben, [5, 5], [0, 0])], messages: [] });
    expect(still.members).toHaveLength(3);
    expect(await marksOf(id, ben)).toEqual({ userId: ben, deliveredSeq: 5, readSeq: 0 });
  });

  test("I7: whatever is asked, in whatever order, marks are the highest that was asked, within the head", async () => {
    const moves = fc.record({ delivered: fc.option(fc.nat(9)), read: fc.option(fc.nat(9)) });
    await fc.assert(
      fc.asyncProperty(fc.nat(6), fc.array(moves, { minLength: 1, maxLength: 5 }), async (length, asked) => {
        const { id, ben } = await aLog(length);
        let [delivered, read] = [0, 0];
        for (const to of asked) {
          const move = { conversationId: id, userId: ben, deliveredSeq: to.delivered, readSeq: to.read };
          const next = {
            delivered: Math.min(length, Math.max(delivered, to.delivered ?? 0, to.read ?? 0)),
            read: Math.min(length, Math.max(read, to.read ?? 0)),
          };
          expect((await mark({ marks: [move] })).moved).toEqual([
            moved(ben, [delivered, next.delivered], [read, next.read]),
          ]);
          ({ delivered, read } = next);
        }
        expect(await marksOf(id, ben)).toEqual({ userId: ben, deliveredSeq: delivered, readSeq: read });
      }),
      { numRuns: 15 },
    );
  }, 180_000);

  test("I4: marks alone at a stale epoch are fenced, and none of the batch is written", async () => {
    const [one, other] = [await aLog(2), await aLog(2)];
    const epochOf = await on().epochs();
    const taken = shardOf(other.id);
    await on().raiseEpochs([taken]);
    const marks = [one, other].map(({ id, ben }) => aMark(id, ben, { read: 2 }));
    expect(await on().commit.append(aBatch({ marks }), epochOf)).toEqual({ type: "fenced", shards: [taken] });
    for (const { id, ben } of [one, other])
      expect(await marksOf(id, ben)).toEqual({ userId: ben, deliveredSeq: 0, readSeq: 0 });
  });

  test("I8: marks of strangers and of former members are reported to nobody and change nothing", async () => {
    const { id, ben, cleo } = await aLog(3);
    const gone = aMemberEvent("member_removed", id, { userId: cleo, rev: 4, leftSeq: 3, leftAtUs: startUs });
    await append(on(), { changes: [changeOf(id, 4, gone)] });
    const marks = [newId(), cleo, ben].map((userId) => aMark(id, userId, { read: 3 }));
    const marked = await mark({ marks });
    expect(marked.moved).toEqual([moved(ben, [0, 3], [0, 3])]);
    expect(marked.members.map((member) => member.userId)).not.toContain(cleo);
    const back = aMemberEvent("member_added", id, { userId: cleo, rev: 5, joinedSeq: 0, joinedRev: 5 });
    await append(on(), { changes: [changeOf(id, 5, back)] });
    expect(await marksOf(id, cleo)).toEqual({ userId: cleo, deliveredSeq: 0, readSeq: 0 });
    const nowhere = newId();
    const nothing = { conversationId: nowhere, moved: [], members: [], messages: [] };
    expect(await mark({ marks: [aMark(nowhere, ben, { read: 3 })] })).toEqual(nothing);
  });

  test("marks reach the messages that their own batch stores, and those are reported", async () => {
    const { id, anna, ben, cleo } = await aLog(2);
    await append(on(), { marks: [aMark(id, cleo, { read: 2 })] });
    const dora = newId();
    const came = { userId: dora, rev: 5, joinedSeq: 4, joinedRev: 5 };
    const went = { userId: cleo, rev: 5, leftSeq: 4, leftAtUs: startUs };
    const changes = [
      aSending(id, 3, { senderId: anna }),
      aSending(id, 4, { senderId: cleo }),
      changeOf(id, 5, aMemberEvent("member_added", id, came), aMemberEvent("member_removed", id, went)),
      aSending(id, 5, { senderId: anna, rev: 6, createdRev: 6 }),
    ];
    const marked = await mark({ changes, marks: [aMark(id, ben, { read: 9 })] });
    expect(marked.moved).toEqual([moved(ben, [0, 5], [0, 5])]);
    expect(marked.messages.map(({ seq, senderId }) => [seq, senderId])).toEqual([
      [5, anna],
      [4, cleo],
      [3, anna],
      [2, anna],
      [1, anna],
    ]);
    const begun = { userId: dora, joinedSeq: 4, deliveredSeq: 4, readSeq: 4 };
    expect(marked.members.find((member) => member.userId === dora)).toEqual(begun);
    expect(marked.members.map((member) => member.userId)).not.toContain(cleo);
  });

  test("one batch carries the marks of many conversations and members", async () => {
    const logs = [];
    for (let length = 0; length < 12; length++) logs.push(await aLog(length));
    const marks = logs.flatMap(({ id, ben, cleo }) => [
      aMark(id, ben, { read: 7 }),
      aMark(id, cleo, { delivered: 3 }),
    ]);
    const all = markedIn(await append(on(), { marks }));
    const marked = new Map(all.map((each) => [each.conversationId, each]));
    for (const [length, { id, ben, cleo }] of logs.entries()) {
      const [read, delivered] = [Math.min(7, length), Math.min(3, length)];
      const moves = new Map(marked.get(id)!.moved.map((move) => [move.userId, move]));
      expect(moves.get(ben)).toEqual(moved(ben, [0, read], [0, read]));
      expect(moves.get(cleo)).toEqual(moved(cleo, [0, delivered], [0, 0]));
      expect(marked.get(id)!.messages).toHaveLength(read);
    }
  });

  test("a read that reaches the message marked as unread reports it; a delivery does not", async () => {
    const { id, ben, messages } = await aLog(5);
    const third = {
      type: "mark_unread",
      userId: ben,
      conversationId: id,
      messageId: messages[2]!.id,
    } as const;
    await on().own.markUnread(third);
    const wasUnread = async (to: { delivered?: number; read?: number }) =>
      (await mark({ marks: [aMark(id, ben, to)] })).moved[0]!.wasUnread;
    expect(await wasUnread({ delivered: 5 })).toBe(false);
    expect(await wasUnread({ read: 2 })).toBe(false);
    expect(await wasUnread({ read: 3 })).toBe(true);
    expect(await wasUnread({ read: 3 })).toBe(true);
    expect(await wasUnread({ delivered: 5 })).toBe(false);
  });

  test("a member who is asked whether they accept moves no mark until they do", async () => {
    const { id, members } = await aGroup(on());
    const asked = aMemberEvent("member_added", id, { userId: members[1]!, rev: 1, pending: "request" });
    await append(on(), { changes: [changeOf(id, 1, asked), aSending(id, 1, { rev: 2, createdRev: 2 })] });
    const read = { marks: [aMark(id, members[1]!, { read: 1 })] };
    expect((await mark(read)).moved).toEqual([moved(members[1]!, [0, 0], [0, 0])]);
    const accepts = aMemberEvent("request_accepted", id, { userId: members[1]!, rev: 3 });
    await append(on(), { changes: [changeOf(id, 3, accepts)] });
    expect((await mark(read)).moved).toEqual([moved(members[1]!, [0, 1], [0, 1])]);
  });

  test("each message and recipient has the times at which marks reached it, reading being delivery too", async () => {
    const { id, anna, ben, cleo, messages } = await aLog(3);
    const steps = [{ delivered: 1 }, { delivered: 3 }, { read: 2 }, { read: 3 }];
    for (const [index, to] of steps.entries())
      await append(on(), { marks: [aMark(id, ben, to)], atUs: startUs + 10 * (index + 1) });
    const dora = newId();
    const coming = aMemberEvent("member_added", id, { userId: dora, rev: 4, joinedSeq: 3, joinedRev: 4 });
    const next = aSending(id, 4, { senderId: anna, rev: 5, createdRev: 5 });
    const changes = [changeOf(id, 4, coming), next];
    await append(on(), { changes, marks: [aMark(id, cleo, { read: 1 })], atUs: startUs + 50 });
    const recipient = (userId: string, delivered: number | null, read: number | null) => ({
      userId,
      deliveredAtUs: delivered && startUs + delivered,
      readAtUs: read && startUs + read,
    });
    const recipientsOf = async (messageId: string) =>
      byUser((await on().viewerReads.showDeliveryStatus(cleo, messageId))!.recipients);
    const expected = [
      [recipient(ben, 10, 30), recipient(cleo, 50, 50)],
      [recipient(ben, 20, 30), recipient(cleo, null, null)],
      [recipient(ben, 20, 40), recipient(cleo, null, null)],
    ];
    for (const [index, { id: messageId }] of messages.entries())
      expect(await recipientsOf(messageId)).toEqual(byUser(expected[index]!));
    const later = [ben, cleo, dora].map((userId) => recipient(userId, null, null));
    expect(await recipientsOf(messageOf(next).id)).toEqual(byUser(later));
    for (const stranger of [dora, newId()])
      expect(await on().viewerReads.showDeliveryStatus(stranger, messages[0]!.id)).toBeNull();
  });

  test("I8: a former member is no recipient any more, and reads nothing of the others", async () => {
    const { id, ben, cleo, messages } = await aLog(2);
    await append(on(), { marks: [aMark(id, cleo, { read: 2 })], atUs: startUs + 10 });
    const gone = { userId: cleo, rev: 3, leftSeq: 2, leftAtUs: startUs + 20 };
    await append(on(), { changes: [changeOf(id, 3, aMemberEvent("member_removed", id, gone))] });
    const status = await on().viewerReads.showDeliveryStatus(ben, messages[0]!.id);
    expect(status!.recipients.map(({ userId }) => userId)).toEqual([ben]);
    expect(await on().viewerReads.showDeliveryStatus(cleo, messages[0]!.id)).toBeNull();
  });
}
