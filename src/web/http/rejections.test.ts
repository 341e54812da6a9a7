import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RefusalCode, refusals, reject } from "../../core/rejection.ts";
import { rejectionResponse, rejectionText } from "./rejections.ts";

const codes = Object.keys(refusals) as RefusalCode[];
const passing = codes.filter((code) => refusals[code].retriable);

test("retry_after_ms comes with every refusal that passes, and with no final one, over REST and channels", async () => {
  for (const code of codes)
    for (const rejection of [reject(code, "no"), reject(code, "no", { retryAfterMs: 2_500 })]) {
      const response = rejectionResponse(rejection);
      const told = [await response.json(), JSON.parse(rejectionText(rejection))] as object[];
      const expected = passing.includes(code) ? (rejection.retryAfterMs ?? 1_000) : undefined;
      expect(told.map((body) => (body as { retry_after_ms?: number }).retry_after_ms)).toEqual([
        expected,
        expected,
      ]);
      expect(response.headers.has("retry-after")).toBe(passing.includes(code));
    }
});

test("the table of docs/app.md says of each refusal whether it is temporary", () => {
  const page = readFileSync(join(import.meta.dir, "../../../docs/app.md"), "utf8");
  const [, table = ""] = /\n\| refusal \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(page) ?? [];
  const rows = table
    .trim()
    .split("\n")
    .map((row) => row.split("|").map((cell) => cell.trim()));
  const told = new Map(
    rows.flatMap(([, names = "", kind = ""]) => namesIn(names).map((name) => [name, kind])),
  );
  for (const code of codes)
    expect([code, told.get(code)]).toEqual([code, passing.includes(code) ? "temporary" : "final"]);
});

function namesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([a-z_ ]+)`/g)].map(([, name]) => name!);
}
