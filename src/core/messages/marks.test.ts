import { expect, test } from "bun:test";
import { type MemberBefore, statusChanges, statusOf } from "./marks.ts";

const message = { id: "m", seq: 5, senderId: "anna" };

function member(userId: string, deliveredSeq: number, readSeq: number, joinedSeq = 0): MemberBefore {
  return { userId, deliveredSeq, readSeq, joinedSeq };
}

test("a message is read when all others have read it, delivered when all have received it", () => {
  const status = (...others: readonly MemberBefore[]) => statusOf(message, [member("anna", 0, 0), ...others]);
  expect(status(member("ben", 4, 4))).toBe("sent");
  expect(status(member("ben", 5, 4))).toBe("delivered");
  expect(status(member("ben", 5, 5))).toBe("read");
  expect(status(member("ben", 5, 5), member("carl", 5, 0))).toBe("delivered");
  expect(status(member("ben", 5, 5), member("carl", 4, 4))).toBe("sent");
});

test("who came later does not count, and a message that nobody could receive is sent", () => {
  expect(statusOf(message, [member("ben", 5, 5), member("carl", 5, 5, 5)])).toBe("read");
  expect(statusOf(message, [member("anna", 9, 9), member("carl", 5, 5, 5)])).toBe("sent");
});

test("only messages whose status is another one now are told", () => {
  const changes = statusChanges({
    conversationId: "c",
    moved: [{ userId: "ben", deliveredFrom: 3, deliveredTo: 6, readFrom: 3, readTo: 4, wasUnread: false }],
    members: [member("anna", 0, 6), member("ben", 3, 3)],
    messages: [6, 5, 4].map((seq) => ({ id: `m${seq}`, seq, senderId: seq === 5 ? "ben" : "anna" })),
  });
  expect(changes.map(({ message: { seq }, status }) => [seq, status])).toEqual([
    [6, "delivered"],
    [4, "read"],
  ]);
});
