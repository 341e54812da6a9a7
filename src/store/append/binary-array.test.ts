import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type pg from "pg";
import { parseInstant } from "../../core/instant.ts";
import { instants, uuids, wellFormedText } from "../../testing/builders/arbitraries.ts";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import {
  boolArray,
  byteaArray,
  int2Array,
  int8Array,
  textArray,
  timestamptzArray,
  uuidArray,
} from "./binary-array.ts";

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await testDatabase();
  client = await outsideClient(database.url);
}, 120_000);
afterAll(async () => {
  await client.end();
  await database.close();
});

/** What PostgreSQL understood, as text per element. */
async function understood(type: string, array: Buffer, asText = "value::text"): Promise<(string | null)[]> {
  const { rows } = await client.query<{ value: string | null }>(
    `select ${asText} as value from unnest($1::${type}[]) with ordinality each(value, place) order by place`,
    [array],
  );
  return rows.map((row) => row.value);
}

const wholeNumbers = fc.maxSafeInteger();

test("PostgreSQL understands every array as it was meant, the empty ones and the extremes too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(uuids),
      fc.array(fc.option(wholeNumbers)),
      fc.array(fc.integer({ min: -32_768, max: 32_767 })),
      fc.array(fc.boolean()),
      fc.array(fc.option(instants)),
      fc.array(fc.oneof(wellFormedText, fc.constant(""))),
      async (ids, numbers, smalls, truths, times, texts) => {
        expect(await understood("uuid", uuidArray(ids))).toEqual(ids);
        expect(await understood("int8", int8Array(numbers))).toEqual(
          numbers.map((number) => (number === null ? null : String(number))),
        );
        expect(await understood("int2", int2Array(smalls))).toEqual(smalls.map(String));
        expect(await understood("bool", boolArray(truths))).toEqual(truths.map(String));
        const read = await understood("timestamptz", timestamptzArray(times));
        expect(read.map((text) => (text === null ? null : parseInstant(text)))).toEqual(times);
        const words = texts.filter((text) => !text.includes("\0"));
        expect(await understood("text", textArray(words))).toEqual(words);
        expect(await understood("bytea", byteaArray(texts), "encode(value, 'hex')")).toEqual(
          texts.map((text) => Buffer.from(text).toString("hex")),
        );
      },
    ),
    { numRuns: 60 },
  );
});
