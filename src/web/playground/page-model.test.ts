import { expect, test } from "bun:test";
import fc from "fast-check";
import { CatchUp } from "./page/catch-up.ts";
import { Conversation } from "./page/conversation.ts";
import { FrameTape, framesKept } from "./page/frame-tape.ts";
import { Marks } from "./page/marks.ts";
import { MessageLog } from "./page/message-log.ts";
import type { Message } from "./page/wire.ts";

/** What the page keeps, without the page. */

const ada = "a";
const ben = "b";

function message(seq: number, rev: number, content = `${seq}.${rev}`): Message {
  return {
    id: `m${seq}`,
    conversation_id: "c",
    seq,
    rev,
    sender_id: ada,
    message_type: "text",
    content,
    client_random: null,
    sent_at: "2026-01-01T00:00:00.000000Z",
    edited_at: null,
    is_deleted: false,
    reply_to_id: null,
  };
}

function conversation(head: { readonly seq: number; readonly rev: number }): Conversation {
  return new Conversation({
    id: "c",
    type: "group",
    metadata: {},
    is_active: true,
    created_at: "2026-01-01T00:00:00.000000Z",
    head_seq: head.seq,
    head_rev: head.rev,
    unread_count: 0,
    last_message: null,
    member_user_ids: [ada, ben],
  });
}

/** Every state that each of some messages had. */
const histories = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }).map((edits) => {
  let rev = 0;
  return edits.flatMap((states, index) => Array.from({ length: states }, () => message(index + 1, ++rev)));
});

test("I5: whatever comes late, twice or in any order, the log ends as the server's", () => {
  const told = histories.chain((states) =>
    fc.tuple(
      fc.constant(states),
      fc.shuffledSubarray([...states, ...states], { minLength: states.length * 2 }),
    ),
  );
  fc.assert(
    fc.property(told, ([states, pushes]) => {
      const log = new MessageLog();
      log.addPage([message(1, 0)], false);
      for (const push of pushes) log.put(push);
      const newest = new Map(states.map((state) => [state.seq, state]));
      expect(log.messages).toEqual([...newest.values()]);
    }),
  );
});

test("before its first page a log keeps nothing, and afterwards nothing that lies before it", () => {
  const log = new MessageLog();
  log.put(message(9, 9));
  expect(log.messages).toEqual([]);
  log.addPage([message(8, 8), message(7, 7)], true);
  log.put(message(3, 10));
  log.put(message(9, 11));
  expect(log.messages.map(({ seq }) => seq)).toEqual([7, 8, 9]);
  log.trim(1);
  expect([log.firstSeq, log.hasEarlier]).toEqual([9, true]);
});

test("a reaction that is told on two topics counts once, and is gone when it is taken back", () => {
  const log = new MessageLog();
  log.addPage([message(1, 1)], false);
  const push = { conversation_id: "c", message_id: "m1", seq: 1, user_id: ben, reaction: "👍" };
  log.react({ ...push, rev: 2 }, true);
  log.react({ ...push, rev: 2 }, true);
  expect(log.at(1)).toMatchObject({ rev: 2, reaction_summary: { "👍": 1 } });
  log.react({ ...push, rev: 3 }, false);
  log.react({ ...push, rev: 2 }, true);
  expect(log.at(1)).toMatchObject({ rev: 3, reactions: [], reaction_summary: {} });
});

test("a rev that is not the next one is a hole, until the difference has filled it", () => {
  const known = conversation({ seq: 5, rev: 10 });
  known.hear(11);
  known.hear(11);
  expect([known.rev, known.hasHole]).toEqual([11, false]);
  known.hear(13);
  expect([known.rev, known.hasHole]).toEqual([11, true]);
  expect(known.putMessage(message(6, 13))).toBe(true);
  expect(known.putMessage(message(6, 13))).toBe(false);
  known.reach(13);
  expect([known.rev, known.seq, known.hasHole]).toEqual([13, 6, false]);
});

test("marks only grow, and a message is read when every other member has read it", () => {
  const marks = new Marks();
  marks.raise({ user_id: ada, delivered_seq: 5, read_seq: 3 });
  marks.raise({ user_id: ada, delivered_seq: 2, read_seq: 1 });
  expect(marks.of(ada)).toEqual({ delivered: 5, read: 3 });
  expect(marks.statusOf(3, [ada, ben])).toBe("sent");
  marks.raiseAll({ conversation_id: "c", seq: 4, user_id: ben, status: "delivered" }, [ada, ben]);
  expect(marks.statusOf(3, [ada, ben])).toBe("delivered");
  marks.raise({ user_id: ben, delivered_seq: 3, read_seq: 3 });
  expect([marks.statusOf(3, [ada, ben]), marks.statusOf(4, [ada, ben])]).toEqual(["read", "delivered"]);
});

test("what was caught up with is counted once, however often it is told, and told when the last topic is live", () => {
  const catchUp = new CatchUp();
  catchUp.message("c", 1);
  catchUp.begin(["user", "c"]);
  catchUp.message("c", 2);
  catchUp.change("c", 2);
  catchUp.change("c", 3);
  catchUp.own("c", 4);
  catchUp.change("c", 4);
  expect(catchUp.isLive("user")).toBeNull();
  expect(catchUp.isLive("c")).toMatchObject({ messages: 1, changes: 1 });
  expect(catchUp.isLive("c")).toBeNull();
});

test("of the frames the last five hundred are kept, and none while the tape is paused", () => {
  const tape = new FrameTape();
  for (let number = 1; number <= framesKept + 5; number++)
    tape.add("in", JSON.stringify([null, null, "user:a", `event ${number}`, {}]));
  tape.isPaused = true;
  tape.add("out", "[]");
  expect(tape.frames).toHaveLength(framesKept);
  expect(tape.frames.at(-1)).toMatchObject({ event: `event ${framesKept + 5}`, topic: "user:a" });
  tape.isPaused = false;
  tape.add("out", "not json");
  expect(tape.frames.at(-1)).toMatchObject({ frame: "not json", bytes: 8, event: "" });
});
