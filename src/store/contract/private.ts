import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMemberEvent, changeOf, startUs } from "../../testing/builders/changes.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import { append, type StoreStage } from "./stage.ts";

/** What `OwnState` says. */
export function privateContract(on: () => StoreStage): void {
  async function aLog(length: number) {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    if (length > 0) await conversation.fill(anna, length);
    return { conversation, id: conversation.id, anna, ben, messageIds: conversation.messageIds };
  }
  const markUnread = (userId: string, conversationId: string, messageId: string) =>
    on().own.markUnread({ type: "mark_unread", userId, conversationId, messageId });
  const allow = (userId: string, conversationId: string, nowUs: number) =>
    on().own.allowReadding({ type: "allow_readding", userId, conversationId }, nowUs);

  test("a conversation is marked as unread from a message on, and every change has the user's next number", async () => {
    const [one, two] = [await aLog(4), await aLog(2)];
    const { ben, id, messageIds } = one;
    expect(await markUnread(ben, id, messageIds[2]!)).toEqual({ ownRev: 1, seq: 3 });
    expect(await markUnread(ben, id, messageIds[1]!)).toEqual({ ownRev: 2, seq: 2 });
    expect(await markUnread(two.ben, two.id, two.messageIds[0]!)).toEqual({ ownRev: 1, seq: 1 });
    expect(await on().own.clearUnread(ben, id)).toEqual({ ownRev: 3 });
    expect(await on().own.clearUnread(ben, id)).toBeNull();
    expect(await on().own.clearUnread(ben, two.id)).toBeNull();
    expect(await markUnread(ben, id, messageIds[3]!)).toMatchObject({ seq: 4 });
  });

  test("I8: nobody marks from a message that they may not see, and nothing is counted for it", async () => {
    const { conversation, id, anna, ben, messageIds } = await aLog(3);
    const [stranger, late] = [newId(), newId()];
    const other = await aLog(1);
    await conversation.add(late);
    await conversation.send(anna);
    await conversation.remove(ben);
    const hidden = [
      [stranger, messageIds[0]!],
      [ben, messageIds[0]!],
      [late, messageIds[2]!],
      [late, other.messageIds[0]!],
      [late, newId()],
    ] as const;
    for (const [userId, messageId] of hidden) expect(await markUnread(userId, id, messageId)).toBeNull();
    expect(await markUnread(late, id, conversation.messageIds[3]!)).toEqual({ ownRev: 1, seq: 4 });
  });

  test("changes of one user at once get different numbers", async () => {
    const { id, ben, messageIds } = await aLog(3);
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, index) => markUnread(ben, id, messageIds[index % 3]!)),
    );
    const numbers = made.map((each) => each!.ownRev).sort((one, other) => one - other);
    expect(numbers).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  test("of two reads that clear at once, one is told", async () => {
    const { id, ben, messageIds } = await aLog(1);
    await markUnread(ben, id, messageIds[0]!);
    const cleared = await Promise.all([on().own.clearUnread(ben, id), on().own.clearUnread(ben, id)]);
    expect(cleared.filter((each) => each !== null)).toEqual([{ ownRev: 2 }]);
  });

  test("who left by themselves may be added again before their time when they say so, once", async () => {
    const { id, anna, ben } = await aLog(0);
    const staysOutUntilUs = startUs + 1_000;
    const left = { userId: ben, rev: 1, leftSeq: 0, leftAtUs: startUs, staysOutUntilUs };
    await append(on(), { changes: [changeOf(id, 1, aMemberEvent("member_removed", id, left))] });
    const contact = async () => {
      const lookup = { conversationId: id, adderId: anna, userIds: [ben], asksFirst: false };
      return (await on().actorReads.findContacts([lookup]))[0]![0]!;
    };
    expect((await contact()).staysOutUntilUs).toBe(staysOutUntilUs);
    expect(await allow(ben, id, staysOutUntilUs)).toBe(false);
    expect(await allow(anna, id, startUs)).toBe(false);
    expect(await allow(ben, newId(), startUs)).toBe(false);
    expect([await allow(ben, id, startUs), await allow(ben, id, startUs)]).toEqual([true, false]);
    expect((await contact()).staysOutUntilUs).toBeNull();
  });
}
