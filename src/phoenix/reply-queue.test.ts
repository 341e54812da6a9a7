import { expect, test } from "bun:test";
import { ReplyQueue } from "./reply-queue.ts";

test("when the socket ends, however many outcomes wait, each join is asked again in vain and the queue is empty", () => {
  const drained: (() => void)[] = [];
  const wire = {
    hasRoom: false,
    isCrowded: false,
    send() {},
    push() {},
    subscribe() {},
    unsubscribe() {},
    publish: () => true,
    noteOverrun() {},
    prove() {},
    unprove() {},
    close() {},
    whenDrained(then: () => void) {
      if (wire.hasRoom) then();
      else drained.push(then);
    },
  };
  const queue = new ReplyQueue({ wire, maxBytes: 1 });
  const done: string[] = [];
  for (let nth = 0; nth < 40_000; nth += 1)
    queue.add({
      size: 10,
      send: () => void done.push("sent"),
      drop() {},
      ask(asked) {
        done.push("asked");
        asked();
      },
    });
  wire.hasRoom = true;
  for (const then of drained) then();
  expect([done.length, done.filter((what) => what === "sent").length, queue.isEmpty]).toEqual([
    40_000,
    1,
    true,
  ]);
});
