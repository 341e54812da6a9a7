import { expect, test } from "bun:test";
import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import { storeRows } from "./store-rows.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A store that refuses some rows, and is away after so many statements. */
function aStore({
  bad = [] as readonly number[],
  slow = [] as readonly number[],
  awayAfter = Number.POSITIVE_INFINITY,
} = {}) {
  const stored: number[] = [];
  const refused: number[] = [];
  let statements = 0;
  const store = (rows: readonly number[]) =>
    storeRows({
      rows,
      atOnce: 100,
      async save(some) {
        if (++statements > awayAfter) throw new StoreUnavailable({ cause: null });
        if (some.some((row) => slow.includes(row))) throw new StoreTimedOut({ cause: null });
        if (some.some((row) => bad.includes(row))) throw new Error("bad data");
        stored.push(...some);
      },
      refused: (row) => void refused.push(row),
    });
  return { store, stored, refused, statements: () => statements };
}

test("rows are stored in order, as many as may be in one statement", async () => {
  const { store, stored, statements } = aStore();
  expect(await store(numbers(250))).toBeNull();
  expect([stored, statements()]).toEqual([numbers(250), 3]);
});

test("a row that the store refuses costs no other row anything, and is found in a few statements", async () => {
  const { store, stored, refused, statements } = aStore({ bad: [7, 8, 199] });
  expect(await store(numbers(250))).toBeNull();
  expect(refused).toEqual([7, 8, 199]);
  expect(stored).toEqual(numbers(250).filter((row) => ![7, 8, 199].includes(row)));
  expect(statements()).toBeLessThanOrEqual(3 + 3 * 2 * 7);
});

test("a store that is away is not asked for every row: what is left waits for the next time", async () => {
  const { store, stored, statements } = aStore({ awayAfter: 2 });
  const left = await store(numbers(1_000));
  expect(left).toMatchObject({ rows: numbers(1_000).slice(200), error: expect.any(StoreUnavailable) });
  expect([stored.length, statements()]).toEqual([200, 3]);
});

test("a store that refuses everything is asked a bounded number of times", async () => {
  const { store, refused, statements } = aStore({ bad: numbers(1_000) });
  const left = await store(numbers(1_000));
  expect(refused).toHaveLength(10);
  expect(left?.rows).toEqual(numbers(1_000).slice(10));
  expect(statements()).toBeLessThan(50);
});

test("a row that takes the store too long waits for the next time alone", async () => {
  const { store, stored } = aStore({ slow: [42] });
  const left = await store(numbers(250));
  expect(left).toMatchObject({ rows: [42], error: expect.any(StoreTimedOut) });
  expect(stored).toEqual(numbers(250).filter((row) => row !== 42));
});

test("a store that is slow for every row is asked a bounded number of times", async () => {
  const { store, statements } = aStore({ slow: numbers(1_000) });
  expect((await store(numbers(1_000)))?.rows).toHaveLength(1_000);
  expect(statements()).toBeLessThan(15);
});

test("a row that the store cannot take is refused without a statement of its own", async () => {
  const { store, stored, refused, statements } = aStore();
  await store([1, Number.NaN, 2]);
  expect([stored, refused, statements()]).toEqual([[1, 2], [Number.NaN], 1]);
});
