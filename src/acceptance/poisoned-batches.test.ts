import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { StoreTimedOut } from "../core/ports/store-errors.ts";
import { newId } from "../system.ts";
import { settled } from "../testing/clock.ts";
import type { Batcher } from "../testing/poison/batcher.ts";
import { batchers, notShared } from "../testing/poison/batchers.ts";
import { PoisonedStore } from "../testing/poison/poisoned-store.ts";

/** S2: nothing that one client sends fails another's request. One contract for every place where requests share a statement. */

const failures: Readonly<Record<string, () => unknown>> = {
  "the store refuses what it holds": () => new Error('invalid byte sequence for encoding "UTF8": 0x00'),
  "it takes the store too long": () => new StoreTimedOut({ cause: null }),
};

/** Begins all at once, so that they share statements; lets time pass until all have ended. */
async function outcomesOf(
  batcher: Batcher,
  store: PoisonedStore,
  ids: readonly string[],
): Promise<boolean[]> {
  const { clock, ask, flush } = batcher.open(store);
  let left = ids.length;
  const asked = ids.map((id) =>
    ask(id).finally(() => {
      left--;
    }),
  );
  await flush?.();
  for (let turns = 0; left > 0 && turns < 10_000; turns++) {
    await settled();
    if (turns % 100 === 99) await clock.runFor(1_000);
  }
  expect(left).toBe(0);
  return Promise.all(asked);
}

describe.each(batchers.map((batcher) => [batcher.name, batcher] as const))("%s", (_, batcher) => {
  test.each(Object.entries(failures))(
    "a poisoned member of a batch fails alone when %s",
    async (_, error) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(12), fc.nat(12), async (before, after) => {
          const store = new PoisonedStore(error);
          const ids = [...others(before), store.poison, ...others(after)];
          const outcomes = await outcomesOf(batcher, store, ids);
          expect(outcomes).toEqual(ids.map((id) => id !== store.poison));
        }),
        { numRuns: 5 },
      );
    },
  );
});

function others(count: number): string[] {
  return Array.from({ length: count }, () => newId());
}

test("every statement over arrays is shared by a batcher that is held to this contract, or by nobody", () => {
  const shared = new Set(batchers.flatMap(({ statements }) => statements));
  const found = new Set(sources("store").flatMap(statementsOverArrays));
  expect([...found].filter((name) => !shared.has(name) && !(name in notShared))).toEqual([]);
});

test("every place that batches requests is in the table", () => {
  const places = [...sources("engine"), ...sources("web")].flatMap(({ path, text }) =>
    [...text.matchAll(/new BatchLoader\b|new WriteBehind\b|await storeRows\(/g)].map(() => path),
  );
  // The one on which those of `WriteBehind` stand.
  places.splice(places.indexOf("engine/write-behind.ts"), 1);
  expect(places.sort()).toEqual([...knownPlaces].sort());
});

/** One for each loader, write-behind buffer or use of `storeRows`. */
const knownPlaces = [
  ...Array<string>(7).fill("engine/conversation/lookups.ts"),
  ...Array<string>(2).fill("engine/sync/joins.ts"),
  ...Array<string>(2).fill("engine/sync/shared-delivery-reads.ts"),
  "engine/sync/facts-loader.ts",
  ...Array<string>(2).fill("engine/receipts/marks.ts"),
  "engine/sync/cursors.ts",
  "engine/last-seen.ts",
  "engine/conversation/block-enforcer.ts",
];

interface Source {
  readonly path: string;
  readonly text: string;
}

const src = join(import.meta.dir, "..");

function sources(folder: string): readonly Source[] {
  const files = readdirSync(join(src, folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => ({
      path: join(folder, file),
      text: readFileSync(join(src, folder, file), "utf8"),
    }));
}

/** The name that is set before each use of `unnest($…)`. */
function statementsOverArrays({ text }: Source): readonly string[] {
  const names = [...text.matchAll(/name: "([a-z-]+)"/g)];
  return [...text.matchAll(/unnest\(\$\d/g)].flatMap(({ index }) => {
    const name = names.findLast((each) => each.index < index)?.[1];
    return name ? [name] : [];
  });
}
