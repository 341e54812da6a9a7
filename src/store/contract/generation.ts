import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { startUs } from "../../testing/builders/changes.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import type { OpenStore } from "./stage.ts";

/** What reads say after another history began. Each has a store of its own, because generations only grow. */
export function generationContract(open: OpenStore): void {
  test("cursors of the history before are good up to where it was the same, those of earlier ones and of an unknown one are not", async () => {
    const stage = await open();
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(stage, [anna, ben]);
    await conversation.fill(anna, 20);
    await stage.beginGeneration();
    await stage.beginGeneration();
    await conversation.fill(anna, 10);
    const isExpired = async (sinceRev: number, generation: number | null, viewerId: string | null = ben) => {
      const about = { conversationId: conversation.id, viewerId };
      const request = { ...about, sinceRev, generation, sinceSeq: null, limit: 100 };
      const [answer] = await stage.syncReads.changes([request]);
      if (viewerId === null) return answer!.isExpired;
      const since = { seq: sinceRev, rev: sinceRev, generation };
      const join = { viewerId, conversationId: conversation.id, since };
      const { conversations } = await stage.syncReads.joinFacts([join], []);
      expect(conversations[0]).toMatchObject({ isExpired: answer!.isExpired, generation: 3 });
      return answer!.isExpired;
    };
    expect(await isExpired(21, 2)).toBe(true);
    expect(await isExpired(20, 2)).toBe(false);
    expect(await isExpired(21, 3)).toBe(false);
    // What the history before the last one has in common with this one is not known any more.
    expect(await isExpired(20, 1)).toBe(true);
    expect(await isExpired(20, null)).toBe(true);
    expect(await isExpired(0, null)).toBe(false);
    expect(await isExpired(21, null, null)).toBe(false);
    await stage.close();
  }, 120_000);

  test("a device of a history that is gone is at the heads again, and nothing of that history is left of it", async () => {
    const stage = await open();
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(stage, [anna, ben]);
    const device = { userId: ben, deviceId: "phone" };
    await stage.cursors.register(device, startUs);
    await conversation.fill(anna, 3);
    await stage.cursors.save([{ ...device, conversationId: conversation.id, seq: 900, rev: 950 }]);
    await stage.beginGeneration();
    const head = { conversationId: conversation.id, seq: 3, rev: 3, headSeq: 3, headRev: 3 };
    const factsOf = async () =>
      (await stage.syncReads.joinFacts([], [{ viewerId: ben, deviceId: "phone" }])).users[0]!;
    expect(await factsOf()).toMatchObject({ generation: 2, deviceGeneration: 1, standings: [head] });
    expect(await stage.cursors.register(device, startUs)).toEqual([head]);
    await conversation.fill(anna, 1);
    const after = { ...head, headSeq: 4, headRev: 4 };
    expect(await factsOf()).toMatchObject({ generation: 2, deviceGeneration: 2, standings: [after] });
    await stage.close();
  }, 120_000);
}
