import { expect, test } from "bun:test";
import type { ChangeFrame } from "../../core/ports/pubsub.ts";
import { Visibility } from "../../core/presence/visibility.ts";
import { MessageTexts } from "../../operations/views/message-texts.ts";
import { LocalPubSub } from "../../pubsub/local.ts";
import { newId } from "../../system.ts";
import { aMessageSent, membersNamed, noteTaker } from "../../testing/builders/builders.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { Broadcasts } from "./broadcasts.ts";
import type { FramePosition } from "./receivers.ts";

const conversationId = newId();
const topic = `conversation:${conversationId}`;
const members = membersNamed(Array.from({ length: 1_000 }, () => newId()));

function frameOf(rev: number): ChangeFrame {
  const [senderId] = members.keys();
  const event = aMessageSent({ conversationId, senderId: senderId!, seq: rev, rev, sentAtUs: rev });
  return { type: "changes", conversationId, rev, membersRev: 0, members, events: [event] };
}

/** Broadcasts to somebody who is on the topic of the conversation, and the revisions that they heard. */
function someBroadcasts() {
  const pubsub = new LocalPubSub({
    onError: (error) => {
      throw error;
    },
  });
  const heard: number[] = [];
  const broadcasts = new Broadcasts({
    pubsub,
    deliveryReads: {
      changes: () => Promise.reject(new Error("nothing is missed")),
      heads: async () => new Map(),
      members: async () => null,
    },
    sockets: {
      hasListeners: (each) => each === topic,
      broadcast: (_topic, _event, _payload, position) => void heard.push((position as FramePosition).at),
      broadcastFrom: () => {},
      pushWhere: () => {},
      unsubscribeWhere: () => 0,
    },
    texts: new MessageTexts(),
    typing: { isSource: () => false, sent: () => {} },
    presences: { membersChanged: () => {}, created: () => {}, apartChanged: () => {} },
    visibility: new Visibility({ shownTo: "members" }),
    clock: new VirtualClock(),
    observer: noteTaker().observer,
  });
  return { broadcasts, heard, publish: (frame: ChangeFrame) => pubsub.publish(frame) };
}

test("E3: what waits for its turn when the store turns out to have another history is not told, and does not hide what comes after", async () => {
  const { broadcasts, heard, publish } = someBroadcasts();
  for (const rev of [101, 102, 103, 104, 105, 106]) publish(frameOf(rev));
  const before = heard.length;
  expect(before).toBeLessThan(6);
  broadcasts.forgetAll();
  for (let turn = 0; turn < 5; turn += 1) await settled();
  publish(frameOf(5));
  await settled();
  expect(heard.slice(before)).toEqual([5]);
});
