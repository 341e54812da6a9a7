import { describe, expect, test } from "bun:test";
import type { Member } from "../../core/conversations/conversation.ts";
import type { ChangeFrame, Frame, PubSub } from "../../core/ports/pubsub.ts";
import { LocalPubSub } from "../../pubsub/local.ts";
import { newId } from "../../system.ts";
import { aMessageSent, membersNamed, noteTaker } from "../../testing/builders/builders.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { ModelBus } from "../../testing/model/bus.ts";
import { ModelDeliveryReads } from "../../testing/model/delivery-reads.ts";
import { ModelStore } from "../../testing/model/model-store.ts";
import { Delivery } from "./delivery.ts";

function throws(error: unknown): never {
  throw error;
}

function frameOf(
  conversationId: string,
  rev: number,
  members: ReadonlyMap<string, Member>,
): ChangeFrame & { readonly type: "changes" } {
  const [senderId] = members.keys();
  const event = aMessageSent({ conversationId, senderId: senderId!, seq: rev, rev, sentAtUs: rev });
  return { type: "changes", conversationId, rev, membersRev: 0, members, events: [event] };
}

/** A delivery of a node, over a store, and what its listener was told. */
function aNode(pubsub: Pick<PubSub, "listen" | "subscribe">) {
  const model = new ModelStore({ loadedKeys: 4 });
  const reads = new ModelDeliveryReads(model);
  const clock = new VirtualClock();
  const revs: number[] = [];
  const published: Frame["type"][] = [];
  const headReads: (readonly string[])[] = [];
  const delivery = new Delivery({
    pubsub,
    reads: {
      changes: (requests) => reads.changes(requests),
      heads(ids) {
        headReads.push(ids);
        return reads.heads(ids);
      },
      members: (id) => reads.members(id),
    },
    clock,
    observer: noteTaker().observer,
  });
  delivery.subscribe({
    membersChanged() {},
    changed: ({ rev }) => void revs.push(rev),
    published: ({ type }) => void published.push(type),
  });
  return { model, clock, delivery, revs, published, headReads };
}

test("E3: what waits for its turn when the store turns out to have another history is not told, and does not hide what comes after", async () => {
  const pubsub = new LocalPubSub({ onError: throws });
  const { delivery, revs } = aNode(pubsub);
  const crowd = membersNamed(Array.from({ length: 1_000 }, () => newId()));
  const id = newId();
  delivery.conversationHeard(id);
  for (const rev of [101, 102, 103, 104, 105, 106]) pubsub.publish(frameOf(id, rev, crowd));
  const before = revs.length;
  expect(before).toBeLessThan(6);
  delivery.forgetAll();
  for (let turn = 0; turn < 5; turn += 1) await settled();
  pubsub.publish(frameOf(id, 5, crowd));
  await settled();
  expect(revs.slice(before)).toEqual([5]);
});

describe("of what other nodes publish, a node asks for", () => {
  /** Another node owns a conversation of these users. */
  function twoNodes() {
    const bus = new ModelBus({ onError: throws });
    const [owner, pubsub] = [bus.node(), bus.node()];
    const node = aNode(pubsub);
    const [id, anna, ben] = [newId(), newId(), newId()];
    const members = membersNamed([anna, ben]);
    node.model.create(id, members, "group");
    const publish = (rev: number) => owner.publish(frameOf(id, rev, members));
    const store = (rev: number) =>
      node.model.write(id, [aMessageSent({ conversationId: id, senderId: anna, seq: rev, rev })]);
    return { ...node, id, anna, ben, members, owner, pubsub, publish, store };
  }

  test("a conversation from the first join of its topic to the last end, and a user from their first socket to the last", async () => {
    const { delivery, pubsub, id, anna, publish, revs, owner, published } = twoNodes();
    const own = { type: "own", userId: anna, ownRev: 1, conversationId: id } as const;
    const ownFrame = { ...own, change: { type: "unread", from: null } } as const;
    publish(1);
    delivery.connected(anna);
    delivery.conversationHeard(id);
    await delivery.confirmed(anna, id);
    publish(2);
    owner.publish(ownFrame);
    expect([revs, published]).toEqual([[2], ["own"]]);
    delivery.conversationUnheard(id);
    delivery.disconnected(anna);
    publish(3);
    owner.publish(ownFrame);
    expect([revs, published, pubsub.topics]).toEqual([[2], ["own"], []]);
  });

  test("the conversations of a user who is on their own topic; what was published before that was confirmed is read", async () => {
    const { delivery, id, anna, publish, store, revs, clock, headReads, pubsub } = twoNodes();
    delivery.connected(anna);
    delivery.userHeard(anna);
    await delivery.confirmed(anna);
    store(1);
    publish(1);
    const complete = delivery.userJoined(anna, [{ conversationId: id, headRev: 0 }]);
    store(2);
    publish(2);
    await complete;
    await clock.runFor(0);
    expect([revs, headReads]).toEqual([[1, 2], [[id]]]);
    store(3);
    publish(3);
    expect(revs).toEqual([1, 2, 3]);
    delivery.userLeft(anna);
    delivery.userUnheard(anna);
    expect(pubsub.topics).toEqual([`user ${anna}`]);
  });

  test("a conversation that a user is added to, as soon as it hears of it", async () => {
    const { delivery, id, anna, ben, members, publish, store, revs, clock, owner, pubsub } = twoNodes();
    delivery.connected(ben);
    delivery.userHeard(ben);
    await delivery.confirmed(ben);
    delivery.userJoined(ben, []);
    const member = { ...members.get(ben)!, rev: 1, leftSeq: null, leftAtUs: null, joinedRev: 1 };
    const added = { conversationId: id, rev: 1, actorId: anna, atUs: 1, member };
    const events = [{ type: "member_added", ...added }] as const;
    owner.publish({ type: "changes", conversationId: id, rev: 1, membersRev: 1, members, events });
    expect(revs).toEqual([1]);
    expect(pubsub.topics).toContain(`conversation ${id}`);
    await settled();
    publish(2);
    expect(revs).toEqual([1, 2]);
    await clock.runFor(0);
    store(1);
  });

  test("no conversation any more when the join of a user who was added to it comes to nothing", async () => {
    const { delivery, id, anna, ben, owner, pubsub } = twoNodes();
    delivery.connected(ben);
    delivery.userHeard(ben);
    await delivery.confirmed(ben);
    owner.publish({ type: "created", conversationId: id, creatorId: anna, otherIds: [ben], askedIds: [] });
    expect(pubsub.topics).toContain(`conversation ${id}`);
    delivery.userUnheard(ben);
    expect(pubsub.topics).toEqual([`user ${ben}`]);
  });

  test("a conversation afresh as well when the last one went while a gap was read, or while their join waited", async () => {
    for (const goesDuring of ["a gap", "a wait"]) {
      const { delivery, id, anna, publish, store, revs, clock } = twoNodes();
      delivery.connected(anna);
      delivery.conversationHeard(id);
      await delivery.confirmed(anna, id);
      delivery.joined(id, 0);
      store(1);
      store(2);
      if (goesDuring === "a gap") publish(2);
      else void delivery.reached(id, 2);
      delivery.conversationUnheard(id);
      await clock.runFor(5_000);
      store(3);
      publish(3);
      delivery.conversationHeard(id);
      await delivery.confirmed(anna, id);
      expect(delivery.reached(id, 3)).toBeNull();
      delivery.joined(id, 3);
      store(4);
      publish(4);
      expect(revs).toEqual([4]);
    }
  });

  test("a conversation afresh when somebody listens again: what was forwarded before is old by then", async () => {
    const { delivery, id, anna, publish, store, revs } = twoNodes();
    delivery.connected(anna);
    delivery.conversationHeard(id);
    await delivery.confirmed(anna, id);
    delivery.joined(id, 0);
    store(1);
    publish(1);
    delivery.conversationUnheard(id);
    store(2);
    publish(2);
    delivery.conversationHeard(id);
    await delivery.confirmed(anna, id);
    expect(delivery.reached(id, 2)).toBeNull();
    delivery.joined(id, 2);
    store(3);
    publish(3);
    expect(revs).toEqual([1, 3]);
  });
});
