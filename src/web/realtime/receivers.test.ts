import { expect, test } from "bun:test";
import type { MarkMember } from "../../core/messages/marks.ts";
import type { DevicePosition } from "../../engine/sync/cursors.ts";
import { ConversationReceiver, type FramePosition, UserReceiver, UserSubscriptions } from "./receivers.ts";
import type { Session } from "./session.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const talk = "0192a7c0-0000-7000-8000-0000000000c1";
const other = "0192a7c0-0000-7000-8000-0000000000c2";

/** Ben's subscriptions on one socket, without a socket; what they record. */
function receiving() {
  const session = { userId: ben, deviceId: "phone" } as Session;
  const marks: MarkMember[] = [];
  const confirmed: DevicePosition[] = [];
  const listening: string[] = [];
  const subscriptions = new UserSubscriptions({
    delivery: {
      userJoined(userId) {
        listening.push(userId);
        return null;
      },
      userLeft: (userId) => void listening.splice(listening.indexOf(userId), 1),
    },
  });
  const asked = { user: 0, conversation: 0 };
  const receipts = {
    marks: { note: (mark: MarkMember) => void marks.push(mark) },
    cursors: { confirmed: (position: DevicePosition) => void confirmed.push(position), ended() {} },
  };
  const joining = (topic: keyof typeof asked) => ({ identity: session, prove: () => void asked[topic]++ });
  const user = new UserReceiver({ joining: joining("user"), receipts, subscriptions });
  const conversation = new ConversationReceiver({
    conversationId: talk,
    joining: joining("conversation"),
    receipts,
    subscriptions,
  });
  return { session, subscriptions, listening, user, conversation, asked, marks, confirmed };
}

function position(seq: number, given: Partial<FramePosition> = {}): FramePosition {
  return { stream: talk, at: seq + 10, seq, senderId: anna, ...given };
}

test("I5: the pong of an earlier ping proves what was sent before that ping, and nothing after it", () => {
  const { user, confirmed, marks } = receiving();
  user.sent(position(1));
  user.pinged();
  user.sent(position(2));
  user.sent(position(7, { stream: other }));
  user.proved();
  expect(confirmed).toEqual([{ userId: ben, deviceId: "phone", conversationId: talk, seq: 1, rev: 11 }]);
  expect(marks.map(({ seq }) => seq)).toEqual([1]);
  user.pinged();
  user.proved();
  expect(confirmed.slice(1).map(({ conversationId, seq, rev }) => [conversationId, seq, rev])).toEqual([
    [talk, 2, 12],
    [other, 7, 17],
  ]);
});

test("I7: on a conversation's topic nothing is marked as delivered before its pong, and then what came before the ping", () => {
  const { conversation, marks, asked } = receiving();
  conversation.sent(position(1));
  expect([marks, asked.conversation]).toEqual([[], 1]);
  conversation.pinged();
  conversation.sent(position(2));
  expect(marks).toEqual([]);
  conversation.proved();
  expect(marks.map(({ seq }) => seq)).toEqual([1]);
  conversation.pinged();
  conversation.proved();
  expect(marks.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(asked.conversation).toBe(2);
});

test("one's own messages need no mark, but move the position of one's device", () => {
  const { user, conversation, marks, confirmed, asked } = receiving();
  user.sent(position(1, { senderId: ben }));
  conversation.sent(position(1, { senderId: ben }));
  user.pinged();
  user.proved();
  expect([marks, confirmed.length, asked]).toEqual([[], 1, { user: 1, conversation: 0 }]);
});

test("a socket on its user's topic proves by that topic alone, until the subscription to it ends", () => {
  const { session, subscriptions, listening, user, conversation, asked } = receiving();
  subscriptions.began(session, []);
  conversation.sent(position(1));
  expect([asked.conversation, listening]).toEqual([0, [ben]]);
  user.ended();
  expect(listening).toEqual([]);
  conversation.sent(position(2));
  expect(asked.conversation).toBe(1);
});
