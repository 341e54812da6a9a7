import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { BatchLoader, type BatchLoaderOptions } from "./batch-loader.ts";
import { Unbindable } from "./bindable.ts";

interface Request {
  readonly id: number;
  readonly user: string;
  readonly weight?: number;
  readonly key?: string;
}

/** A loader over a store that is in the test's hands. */
function aLoader(given: Partial<BatchLoaderOptions<Request, number>> = {}) {
  const clock = new VirtualClock();
  const reads: Read[] = [];
  let judge: ((requests: readonly Request[]) => void) | null = null;
  const loader = new BatchLoader<Request, number>({
    load(requests) {
      const read = new Read(requests);
      reads.push(read);
      if (judge) read.endBy(judge);
      return read.results;
    },
    weigh: ({ weight = 1 }) => weight,
    maxWeight: 10_000,
    maxRequests: 10_000,
    maxWaiting: 10_000,
    userOf: ({ user }) => user,
    keyOf: ({ key = null }) => key,
    identityOf: ({ id }) => `${id}`,
    clock,
    ...given,
  });
  return {
    clock,
    loader,
    reads,
    /** From here on every read ends at once: with the results, or with what this throws. */
    answer(judged: (requests: readonly Request[]) => void = () => {}) {
      judge = judged;
    },
    load: (id: number, user = "anna", more: Partial<Request> = {}) => loader.load({ id, user, ...more }),
    ids: () => reads.map(({ requests }) => requests.map(({ id }) => id)),
  };
}

class Read {
  readonly requests: readonly Request[];
  readonly #end = Promise.withResolvers<readonly number[]>();

  constructor(requests: readonly Request[]) {
    this.requests = requests;
  }

  get results(): Promise<readonly number[]> {
    return this.#end.promise;
  }

  /** The result of a request is ten times its id. */
  end(): Promise<void> {
    this.#end.resolve(this.requests.map(({ id }) => 10 * id));
    return settled();
  }

  fail(error: unknown): Promise<void> {
    this.#end.reject(error);
    return settled();
  }

  endBy(judge: (requests: readonly Request[]) => void): void {
    try {
      judge(this.requests);
      this.#end.resolve(this.requests.map(({ id }) => 10 * id));
    } catch (error) {
      this.#end.reject(error);
    }
  }
}

const away = new StoreUnavailable({ cause: null });
const slow = new StoreTimedOut({ cause: null });
const badData = new Error("invalid byte sequence");
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** What a promise has come to by now. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise.catch((error: unknown) => error), settled().then(() => "waits")]);
}

describe("requests share reads", () => {
  test("those of one tick share one, those that come meanwhile share the next", async () => {
    const { load, reads, ids } = aLoader();
    const first = [load(1), load(2)];
    await settled();
    const second = [load(3), load(4)];
    await settled();
    expect(ids()).toEqual([[1, 2]]);
    await reads[0]!.end();
    await reads[1]!.end();
    expect(ids()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await Promise.all([...first, ...second])).toEqual([10, 20, 30, 40]);
  });

  test("of the same key share a result, from a read that began after the last of them", async () => {
    const { load, reads, ids } = aLoader();
    const first = load(1, "anna", { key: "phone" });
    await settled();
    const others = numbers(2, 1_000).map((id) => load(id, "anna", { key: "phone" }));
    await reads[0]!.end();
    await reads[1]!.end();
    expect(ids()).toEqual([[1], [2]]);
    expect(await first).toBe(10);
    expect(new Set(await Promise.all(others))).toEqual(new Set([20]));
  });

  test("of one user with other keys are read one after the other, whatever others load", async () => {
    const { load, reads, ids } = aLoader({ maxLightWeight: 5 });
    void load(1, "anna", { key: "phone" });
    await settled();
    void load(2, "anna", { key: "tablet" });
    void load(3, "ben", { key: "ben's phone" });
    void load(4, "anna", { key: "watch", weight: 9 });
    await reads[0]!.end();
    expect(ids()).toEqual([[1], [2], [3]]);
    await reads[2]!.end();
    expect(ids()).toHaveLength(3);
    await reads[1]!.end();
    expect(ids()[3]).toEqual([4]);
  });
});

describe("users are served in turn", () => {
  test("one request of somebody else is in the next read, however much one user has queued", async () => {
    const { load, reads } = aLoader({ maxRequests: 10 });
    for (const id of numbers(1, 1_000)) void load(id, "anna");
    void load(5_000, "ben");
    await settled();
    expect(reads[0]!.requests).toContainEqual({ id: 5_000, user: "ben" });
    void load(5_001, "ben");
    await reads[0]!.end();
    expect(reads[1]!.requests).toContainEqual({ id: 5_001, user: "ben" });
  });

  test("within a user in the order in which they came", async () => {
    const { load, reads, ids } = aLoader({ maxRequests: 3 });
    for (const id of numbers(1, 4)) void load(id, "anna");
    for (const id of numbers(11, 12)) void load(id, "ben");
    await settled();
    await reads[0]!.end();
    expect(ids()).toEqual([
      [1, 11, 2],
      [12, 3, 4],
    ]);
  });

  test("nobody waits behind a user with much waiting: that is read apart", async () => {
    const { load, reads, ids } = aLoader({ maxLightWeight: 100 });
    const heavy = load(1, "anna", { weight: 1_000 });
    const light = load(2, "ben");
    await settled();
    expect(ids()).toEqual([[1], [2]]);
    await reads[1]!.end();
    expect(await light).toBe(20);
    const next = load(3, "carl");
    await settled();
    await reads[2]!.end();
    expect(await next).toBe(30);
    expect(await outcomeOf(heavy)).toBe("waits");
  });

  test("what is left of much when it has become little is read as all others are", async () => {
    const { load, reads, ids } = aLoader({ maxLightWeight: 3, maxRequests: 4 });
    const all = numbers(1, 6).map((id) => load(id, "anna"));
    await settled();
    await reads[0]!.end();
    await reads[1]!.end();
    expect(ids()).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
    expect(await Promise.all(all)).toEqual([10, 20, 30, 40, 50, 60]);
  });
});

describe("I10: everything is bounded", () => {
  test("a read by what it may bring; what is heavier is read alone", async () => {
    const { load, reads, ids } = aLoader({ maxWeight: 10 });
    for (const [id, weight] of [4, 5, 3, 50, 1].entries()) void load(id, "anna", { weight });
    await settled();
    for (const at of [0, 1, 2]) await reads[at]!.end();
    expect(ids()).toEqual([[0, 1], [2], [3], [4]]);
  });

  test("what waits: one user holds at most half, and there is room for another", async () => {
    const { load } = aLoader({ maxWaiting: 100 });
    void load(0, "zoe");
    await settled();
    const annas = numbers(1, 60).map((id) => load(id, "anna"));
    const refused = await Promise.all(annas.slice(50).map(outcomeOf));
    expect(refused).toEqual(refused.map(() => null));
    const bens = numbers(100, 110).map((id) => load(id, "ben"));
    expect(await Promise.all(bens.map(outcomeOf))).toEqual(bens.map(() => "waits"));
  });

  test("what shares a result counts as well", async () => {
    const { load, loader } = aLoader({ maxWaiting: 100 });
    void load(0, "anna", { key: "phone" });
    await settled();
    const all = await Promise.all(numbers(1, 200).map((id) => outcomeOf(load(id, "anna", { key: "phone" }))));
    expect(all.filter((outcome) => outcome === "waits")).toHaveLength(loader.waiting);
    expect(loader.waiting).toBeLessThanOrEqual(100);
  });

  test("how long something waits: what is left of much when the rest has waited for too long is read, too", async () => {
    const { load, reads, ids, clock } = aLoader({ maxWeight: 10, maxLightWeight: 10 });
    void load(1, "ben");
    await settled();
    const tooLong = load(2, "anna", { weight: 8 });
    clock.stall(10_000);
    const inTime = load(3, "anna", { weight: 8 });
    clock.stall(5_000);
    await reads[0]!.end();
    expect(ids()).toEqual([[1], [3]]);
    await reads[1]!.end();
    expect([await tooLong, await inTime]).toEqual([null, 30]);
  });

  test("what shares a result: one user holds at most half here as well, and there is room for others", async () => {
    const { load, reads, answer } = aLoader({ maxWaiting: 20 });
    void load(0, "ben");
    await settled();
    const shared = numbers(1, 30).map((id) => load(id, "anna", { key: "phone" }));
    const others = numbers(31, 35).map((id) => load(id, `user ${id}`));
    answer();
    await reads[0]!.end();
    const answered = (await Promise.all(shared)).filter((result) => result !== null);
    expect(answered).toHaveLength(10);
    expect(await Promise.all(others)).toEqual([310, 320, 330, 340, 350]);
  });

  test("how long something waits for its read to begin", async () => {
    const { load, reads, clock } = aLoader();
    const first = load(1);
    await settled();
    const second = load(2);
    clock.stall(60_000);
    await reads[0]!.end();
    expect(await first).toBe(10);
    expect(await second).toBeNull();
    expect(reads).toHaveLength(1);
  });
});

describe("a read that fails", () => {
  test("what the store cannot take never shares a read, and fails alone", async () => {
    const { load, ids, answer } = aLoader();
    answer();
    const asked = [load(1), load(2, "a\0b"), load(3, "\ud800"), load(0.5), load(4)];
    expect(await Promise.all(asked.map(outcomeOf))).toEqual([
      10,
      expect.any(Unbindable),
      expect.any(Unbindable),
      expect.any(Unbindable),
      40,
    ]);
    expect(ids()).toEqual([[1, 4]]);
  });

  const guilty = (bad: (request: Request) => boolean, error: unknown) => (requests: readonly Request[]) => {
    if (requests.some(bad)) throw error;
  };

  for (const [what, error] of [
    ["for its data", badData],
    ["for its time", slow],
  ] as const) {
    test(`${what} costs the guilty request alone, and at most 2 log2 n more reads`, async () => {
      const { load, reads, answer } = aLoader();
      answer(guilty(({ id }) => id === 700, error));
      const outcomes = await Promise.all(
        numbers(1, 1_000).map((id) => outcomeOf(load(id, `user ${id % 7}`))),
      );
      expect(outcomes[699]).toBe(error);
      expect(outcomes.filter((outcome) => outcome === error)).toHaveLength(1);
      expect(outcomes.filter((outcome) => typeof outcome === "number")).toHaveLength(999);
      expect(reads.length).toBeLessThanOrEqual(1 + 2 * 10);
    });

    test(`${what} twice costs the two`, async () => {
      const { load, answer } = aLoader();
      answer(guilty(({ id }) => id === 3 || id === 900, error));
      const outcomes = await Promise.all(numbers(1, 1_000).map((id) => outcomeOf(load(id))));
      expect(outcomes.filter((outcome) => outcome === error)).toHaveLength(2);
    });

    test(`${what} delays nobody who comes meanwhile`, async () => {
      const { load, reads } = aLoader();
      const first = [load(1), load(2)];
      await settled();
      await reads[0]!.fail(error);
      const next = load(3);
      await settled();
      await reads.find(({ requests }) => requests[0]!.id === 3)!.end();
      expect(await next).toBe(30);
      expect(await outcomeOf(first[0]!)).toBe("waits");
    });

    test(`${what}, alone, is read alone for the next minute: others pay once`, async () => {
      const { load, reads, answer, clock } = aLoader();
      answer(guilty(({ id }) => id === 7, error));
      await Promise.all(numbers(1, 100).map((id) => outcomeOf(load(id))));
      const before = reads.length;
      const again = await Promise.all(numbers(1, 100).map((id) => outcomeOf(load(id))));
      expect(again.filter((outcome) => outcome === error)).toHaveLength(1);
      expect(reads.length - before).toBe(2);
      answer();
      await clock.runFor(60_000);
      expect(await outcomeOf(load(7))).toBe(70);
    });
  }

  test("for its time each time, one second after the other, is found before long: then nobody waits for it any more", async () => {
    const sizes: number[] = [];
    const { loader, load, clock } = aLoader({
      async load(requests) {
        sizes.push(requests.length);
        if (requests.some(({ id }) => id === 77)) {
          await clock.sleep(5_000);
          throw slow;
        }
        return requests.map(({ id }) => 10 * id);
      },
    });
    const round = async () => {
      const all = numbers(1, 200).map((id) => load(id, `user ${id}`).catch(() => "refused"));
      await clock.runFor(60_000);
      return (await Promise.all(all)).filter((outcome) => typeof outcome !== "number").length;
    };
    const failed: number[] = [];
    for (let count = 0; count < 4; count++) failed.push(await round());
    expect(failed[0]).toBeLessThan(60);
    expect(failed.slice(2)).toEqual([1, 1]);
    sizes.length = 0;
    const quick = numbers(1, 200).map((id) => load(id, `user ${id}`).catch(() => "refused"));
    await settled();
    expect(sizes).toContain(199);
    expect(await quick[0]).toBe(10);
    expect(loader.waiting).toBe(0);
  });

  test("because the store is away fails for all in it at once, after one read", async () => {
    const { load, reads, answer } = aLoader();
    answer(() => {
      throw away;
    });
    const outcomes = await Promise.all(numbers(1, 1_000).map((id) => outcomeOf(load(id))));
    expect(new Set(outcomes)).toEqual(new Set([away]));
    expect(reads).toHaveLength(1);
  });

  test("because the store goes away while the guilty one is looked for ends the search", async () => {
    const { load, reads, answer } = aLoader();
    let count = 0;
    answer(() => {
      throw count++ === 0 ? badData : away;
    });
    const outcomes = await Promise.all(numbers(1, 1_000).map((id) => outcomeOf(load(id))));
    expect(new Set(outcomes)).toEqual(new Set([away]));
    expect(reads).toHaveLength(2);
  });

  test("as every read does, because the store is slow for all, is not tried for each", async () => {
    const { load, reads, answer } = aLoader();
    answer(() => {
      throw slow;
    });
    const outcomes = await Promise.all(numbers(1, 1_000).map((id) => outcomeOf(load(id))));
    expect(new Set(outcomes)).toEqual(new Set([slow]));
    expect(reads.length).toBeLessThanOrEqual(1 + 2 * 10);
  });
});

test("whatever the store does, each request is answered once, with its own result or its own failure, and no more than one user's keyed request is under way", async () => {
  const request = fc.record({
    user: fc.constantFrom("anna", "ben", "carl"),
    weight: fc.integer({ min: 1, max: 20 }),
    key: fc.option(fc.constantFrom("phone", "tablet"), { nil: undefined }),
    isGuilty: fc.boolean(),
    pause: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 60 }),
      fc.array(fc.constantFrom("judge", "judge", "judge", "slow"), { minLength: 1 }),
      async (given, fates) => {
        const { load, reads, loader } = aLoader({ maxLightWeight: 15, maxWeight: 30, maxRequests: 8 });
        const isGuilty = (id: number) => given[id]!.isGuilty;
        const outcomes: Promise<unknown>[] = [];
        let ended = 0;
        const endOne = async () => {
          const read = reads[ended]!;
          const fate = fates[ended++ % fates.length];
          const keyed = read.requests.filter(({ key }) => key).map(({ user }) => user);
          expect(new Set(keyed).size).toBe(keyed.length);
          if (fate === "slow" && read.requests.length > 1) await read.fail(slow);
          else if (read.requests.some(({ id }) => isGuilty(id))) await read.fail(badData);
          else await read.end();
        };
        for (const [id, { user, weight, key, pause }] of given.entries()) {
          const ownKey = key && `${user}'s ${key}`;
          outcomes.push(load(id, user, { weight, ...(ownKey && { key: ownKey }) }).catch((error) => error));
          if (pause) await settled();
          if (pause && ended < reads.length) await endOne();
        }
        await settled();
        while (ended < reads.length) await endOne();
        const all = await Promise.all(outcomes.map(outcomeOf));
        all.forEach((outcome, id) => {
          expect(outcome).not.toBe("waits");
          if (!given[id]!.key && typeof outcome === "number")
            expect([outcome, isGuilty(id)]).toEqual([10 * id, false]);
        });
        expect(loader.waiting).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
