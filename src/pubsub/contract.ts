import { describe, expect, test } from "bun:test";
import type { Frame, PubSub, Subscription } from "../core/ports/pubsub.ts";
import { newId } from "../system.ts";
import { aMessageSent, membersNamed } from "../testing/builders/builders.ts";

export interface BusStage {
  /** Another node of the bus. */
  node(): PubSub;
  /** What listeners threw. */
  readonly errors: readonly unknown[];
  /** Resolves when all that was published has arrived or was lost. */
  arrived(): Promise<void>;
  stop(): Promise<void>;
}

function typing(conversationId: string, userId = newId()): Frame {
  return { type: "typing", conversationId, userId, isTyping: true };
}

function own(userId: string): Frame {
  const change = { type: "unread", from: null } as const;
  return { type: "own", userId, ownRev: 1, conversationId: newId(), change };
}

/** A node, and what it has heard. */
function listening(node: PubSub) {
  const heard: Frame[] = [];
  node.listen((frame) => void heard.push(frame));
  return { node, heard };
}

/** What every bus holds to within one node. */
export function pubSubContract(make: () => Promise<BusStage>): void {
  test("a node hears what it publishes itself at once, in order, whatever it has subscribed", async () => {
    const stage = await make();
    const { node, heard } = listening(stage.node());
    const frames = Array.from({ length: 20 }, (_, at) => (at % 3 === 0 ? own(newId()) : typing(newId())));
    for (const frame of frames) node.publish(frame);
    expect(heard).toEqual(frames);
    await stage.arrived();
    expect(heard).toHaveLength(20);
    await stage.stop();
  });

  test("what a listener throws is reported, and is neither the publisher's trouble nor that of the next frame", async () => {
    const stage = await make();
    const node = stage.node();
    const heard: Frame[] = [];
    const error = new Error("a listener that throws");
    node.listen((frame) => {
      heard.push(frame);
      if (heard.length === 1) throw error;
    });
    node.publish(typing(newId()));
    node.publish(typing(newId()));
    expect([heard.length, stage.errors]).toEqual([2, [error]]);
    await stage.stop();
  });

  test("before somebody listens frames are lost; a subscription is confirmed, and may be taken several times", async () => {
    const stage = await make();
    const node = stage.node();
    node.publish(typing(newId()));
    const { heard } = listening(node);
    const id = newId();
    const subscriptions: Subscription[] = [1, 2, 3].map(() => node.subscribe("conversation", id));
    for (const { confirmed } of subscriptions) await confirmed;
    const frame = typing(id);
    node.publish(frame);
    for (const { release } of subscriptions) release();
    await stage.arrived();
    expect(heard).toEqual([frame]);
    await stage.stop();
  });
}

/** What a bus holds to between nodes. */
export function busContract(make: () => Promise<BusStage>): void {
  async function twoNodes() {
    const stage = await make();
    return { stage, publisher: stage.node(), ...listening(stage.node()) };
  }

  describe("between nodes", () => {
    test("a node hears of the others what it has subscribed, from the confirmation to the release of the last subscription", async () => {
      const { stage, publisher, node, heard } = await twoNodes();
      const [id, userId] = [newId(), newId()];
      const publish = async () => {
        publisher.publish(typing(id));
        publisher.publish(own(userId));
        await stage.arrived();
        return heard.splice(0).map(({ type }) => type);
      };
      expect(await publish()).toEqual([]);
      const first = node.subscribe("conversation", id);
      await first.confirmed;
      expect(await publish()).toEqual(["typing"]);
      const second = node.subscribe("conversation", id);
      const user = node.subscribe("user", userId);
      await Promise.all([second.confirmed, user.confirmed]);
      expect(await publish()).toEqual(["typing", "own"]);
      first.release();
      expect(await publish()).toEqual(["typing", "own"]);
      second.release();
      expect(await publish()).toEqual(["own"]);
      user.release();
      expect(await publish()).toEqual([]);
      await stage.stop();
    });

    test("no subscription is confirmed as it is taken, not even of a topic that is subscribed already: by that a node knows that what is published after its release need not arrive", async () => {
      const { stage, node } = await twoNodes();
      const id = newId();
      for (let time = 0; time < 2; time++) {
        const { confirmed } = node.subscribe("conversation", id);
        expect(confirmed).toBeInstanceOf(Promise);
        await confirmed;
      }
      await stage.stop();
    });

    test("a user's topic is not that of a conversation with the same id", async () => {
      const { stage, publisher, node, heard } = await twoNodes();
      const id = newId();
      await node.subscribe("user", id).confirmed;
      publisher.publish(typing(id));
      await stage.arrived();
      expect(heard).toEqual([]);
      await stage.stop();
    });

    test("frames of one conversation arrive in the order of publication, as they were", async () => {
      const { stage, publisher, node, heard } = await twoNodes();
      const conversationId = newId();
      await node.subscribe("conversation", conversationId).confirmed;
      const members = membersNamed([newId(), newId()]);
      const frames = Array.from({ length: 50 }, (_, at): Frame => {
        const rev = at + 1;
        const events = [aMessageSent({ conversationId, seq: rev, rev })];
        return { type: "changes", conversationId, rev, membersRev: rev, members, events };
      });
      for (const frame of frames) publisher.publish(frame);
      await stage.arrived();
      expect(heard).toEqual(frames);
      await stage.stop();
    });

    test("what is published on several topics of a node arrives once", async () => {
      const { stage, publisher, node, heard } = await twoNodes();
      const [lowId, highId] = [newId(), newId()];
      for (const userId of [lowId, highId]) await node.subscribe("user", userId).confirmed;
      publisher.publish({ type: "apart", lowId, highId, isApart: true });
      const created = { type: "created", conversationId: newId(), creatorId: lowId } as const;
      publisher.publish({ ...created, otherIds: [highId], askedIds: [] });
      await stage.arrived();
      expect(heard.map(({ type }) => type)).toEqual(["apart", "created"]);
      await stage.stop();
    });

    test("what brings a member to a conversation goes to them as well", async () => {
      const { stage, publisher, node, heard } = await twoNodes();
      const [conversationId, userId] = [newId(), newId()];
      await node.subscribe("user", userId).confirmed;
      const members = membersNamed([newId(), userId]);
      const member = { ...members.get(userId)!, rev: 1, leftSeq: null, leftAtUs: null };
      const added = { conversationId, rev: 1, actorId: newId(), atUs: 1, member };
      const frame = { type: "changes", conversationId, rev: 1, membersRev: 1, members } as const;
      publisher.publish({ ...frame, events: [{ type: "member_added", ...added }] });
      await stage.arrived();
      expect(heard).toHaveLength(1);
      await stage.stop();
    });
  });
}
