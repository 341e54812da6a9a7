import { expect, test } from "bun:test";
import { readHistory } from "./messages/read-history.ts";
import type { Operation } from "./operation.ts";
import { readChanges } from "./sync/read-changes.ts";

const reads = [
  ["of a list", readHistory, 50, 100],
  ["of changes", readChanges, 100, 500],
] as const;

function limitOf({ rest: [door] }: Operation, query: string): unknown {
  return door!.query.limit!.read(new URLSearchParams(query).get("limit"), "limit");
}

for (const [what, operation, absent, most] of reads) {
  const of = (query: string) => limitOf(operation, query);

  test(`the limit ${what} is clamped to the most that is given at once`, () => {
    expect([of(""), of("limit=1"), of("limit=007"), of(`limit=${most}`)]).toEqual([absent, 1, 7, most]);
    for (const large of [String(most + 1), "1000000", "9".repeat(15), "9".repeat(400)])
      expect(of(`limit=${large}`)).toBe(most);
  });

  test(`the limit ${what} is refused when it is no integer from 1`, () => {
    for (const text of [
      "0",
      "00",
      "-1",
      "+1",
      "1.5",
      "1e2",
      "0x10",
      "",
      "abc",
      " 1",
      "\u0661",
      "Infinity",
      "null",
    ])
      expect(of(`limit=${encodeURIComponent(text)}`)).toMatchObject({
        code: "invalid_payload",
        details: { limit: `must be an integer from 1; at most ${most} are given at once` },
      });
  });
}
