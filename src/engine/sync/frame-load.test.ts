import { expect, test } from "bun:test";
import type { MarksFrame } from "../../core/ports/pubsub.ts";
import { newId } from "../../system.ts";
import { partsOf, topicsOf } from "./frame-load.ts";

test("marks of many readers go out in parts: each reader once, each state once and before them", () => {
  const messages = Array.from({ length: 50 }, (_, index) => ({
    id: newId(),
    seq: 50 - index,
    senderId: newId(),
  }));
  const moved = Array.from({ length: 1_000 }, () => ({
    userId: newId(),
    deliveredFrom: 0,
    deliveredTo: 50,
    readFrom: 0,
    readTo: 50,
    wasUnread: false,
  }));
  const statuses = messages.map((message) => ({ message, status: "read" as const }));
  const frame: MarksFrame = {
    type: "marks",
    lastJoinedSeq: 0,
    conversationId: newId(),
    atUs: 0,
    moved,
    messages,
    statuses,
  };
  const [first, ...others] = partsOf(frame);
  expect([first!.statuses, first!.moved, first!.messages]).toEqual([statuses, moved, []]);
  expect(others.flatMap((part) => part.moved)).toEqual(moved);
  expect(others.flatMap((part) => part.statuses)).toEqual([]);
  expect(Math.max(...others.map(topicsOf))).toBeLessThan(4_000);
  expect(partsOf({ ...frame, moved: moved.slice(0, 3) }).length).toBe(1);
});
