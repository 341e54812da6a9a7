import { expect, test } from "bun:test";
import { KeysReport } from "./keys-report.ts";

function reported(url: string): readonly unknown[] {
  const lines: unknown[] = [];
  const observer = {
    warn: (event: string, fields: object = {}) => void lines.push({ event, ...fields }),
    note: () => {},
  };
  const report = new KeysReport({ observer, clock: { monotonicMs: () => 0 } });
  report.begins({ type: "url", url, refreshMs: 1_000 });
  return lines;
}

test("S9: keys over http from another machine are warned of once, without what the address may hold", () => {
  expect(reported("http://ada:hunter2@auth.example:3001/keys?token=x")).toEqual([
    { event: "keys_in_plaintext", host: "auth.example:3001" },
  ]);
});

test("keys over https, or from this machine, are not warned of", () => {
  for (const url of ["https://auth.example/keys", "http://127.0.0.1:3001/keys", "http://localhost/keys"])
    expect(reported(url)).toEqual([]);
});
