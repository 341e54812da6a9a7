import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { ParsedMarks } from "./parsed-marks.ts";

const marksOf = (userIds: readonly string[], read: number) =>
  userIds.map((userId) => `${userId},0,${read},${read}`).join(";");

test("the marks of members who join together are parsed once, and again when one of them moved", () => {
  const parsed = new ParsedMarks();
  const [conversationId, other] = [newId(), newId()];
  const users = [newId(), newId()];
  const first = parsed.of(conversationId, marksOf(users, 3));
  expect(first).toEqual(users.map((userId) => ({ userId, deliveredSeq: 3, readSeq: 3 })));
  expect(parsed.of(conversationId, marksOf(users, 3))).toBe(first);
  expect(parsed.of(other, marksOf(users, 3))).toEqual([...first]);
  expect(parsed.of(conversationId, marksOf(users, 4))[0]).toMatchObject({ readSeq: 4 });
  expect(parsed.of(conversationId, null)).toEqual([]);
});

test("I10: what is remembered is bounded by members, and the oldest conversations go first", () => {
  const parsed = new ParsedMarks();
  const users = Array.from({ length: 9_000 }, newId);
  const [oldest, middle, newest] = [newId(), newId(), newId()];
  const known = [oldest, middle, newest].map((id) => parsed.of(id, marksOf(users, 1)));
  expect(parsed.of(middle, marksOf(users, 1))).toBe(known[1]!);
  expect(parsed.of(newest, marksOf(users, 1))).toBe(known[2]!);
  expect(parsed.of(oldest, marksOf(users, 1))).not.toBe(known[0]!);
});
