import { expect, test } from "bun:test";
import { readCursor, readReportedCursors } from "../../operations/topics/join-payload.ts";

const id = "0192a7c0-0000-7000-8000-000000000001";
const refused = expect.objectContaining({ code: "invalid_payload" });

test("a cursor is read from numbers and from strings of digits alike", () => {
  const cursor = { seq: 20, rev: 31, generation: 4 };
  expect(readCursor({ since_seq: 20, since_rev: 31, generation: 4 })).toEqual(cursor);
  expect(readCursor({ since_seq: "20", since_rev: "31", generation: "4" })).toEqual(cursor);
  expect(readCursor({ since_seq: "0", since_rev: 0 })).toEqual({ seq: 0, rev: 0, generation: null });
  expect(readCursor({ since_seq: "999999999999999", since_rev: 1 })).toMatchObject({ seq: 10 ** 15 - 1 });
});

test("what is neither a whole number nor its digits is refused, and half a cursor is none", () => {
  for (const since_seq of ["", "-1", "1.5", "1e3", " 1", "0x1", "1234567890123456", -1, 1.5, true, [], {}])
    expect(readCursor({ since_seq, since_rev: 1 })).toEqual(refused);
  for (const payload of [{}, { since_seq: "1" }, { since_rev: 1, since_seq: null }, null, "text", 7])
    expect(readCursor(payload)).toBeNull();
});

test("the cursors of a device are read from numbers and digits; the empty array of PHP is none", () => {
  expect(readReportedCursors({ cursors: { [id]: "20" }, generation: "1" })).toEqual({
    cursors: new Map([[id, 20]]),
    generation: 1,
  });
  expect(readReportedCursors({ cursors: { [id]: 20 } })).toEqual({
    cursors: new Map([[id, 20]]),
    generation: null,
  });
  expect(readReportedCursors({ cursors: [] })).toEqual({ cursors: new Map(), generation: null });
  for (const cursors of [
    [1],
    { [id]: -1 },
    { [id]: 1.5 },
    { [id]: "1e3" },
    { [id]: true },
    { [id]: "x" },
    { [id]: null },
    { "no id": 1 },
    "20",
    false,
    0,
  ])
    expect(readReportedCursors({ cursors })).toEqual(refused);
  expect(readReportedCursors({})).toBeNull();
});
