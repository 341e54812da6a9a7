import { describe, expect, test } from "bun:test";
import type { Feed, JoinOutcome, Position } from "./channel.ts";
import { BareClient } from "./testing/bare-client.ts";
import { echoChannel, endpoint, joinsByHand } from "./testing/endpoint.ts";
import { eventually, RawClient } from "./testing/raw-client.ts";

const topic = "place:1";

/** Backfills that the test fills and ends by hand, in the order in which they were called. */
function backfillsByHand() {
  const calls: { readonly feed: Feed; readonly done: PromiseWithResolvers<void> }[] = [];
  return {
    calls,
    backfill(feed: Feed): Promise<void> {
      const done = Promise.withResolvers<void>();
      calls.push({ feed, done });
      return done.promise;
    },
    async call(nth: number) {
      await eventually(`backfill ${nth}`, () => calls.length > nth);
      return calls[nth]!;
    },
  };
}

function filling(parts: Partial<Extract<JoinOutcome, { ok: true }>> = {}) {
  const byHand = backfillsByHand();
  const left: string[] = [];
  const outcome = { ok: true as const, response: "{}", backfill: byHand.backfill, ...parts };
  const channel = echoChannel({ join: () => outcome, left: (name) => void left.push(name) });
  return { ...byHand, left, channel };
}

/** The promise of a `drained` that does not resolve within a few turns. */
async function fillUntilItWaits(feed: Feed): Promise<{ readonly wait: Promise<void> }> {
  const page = JSON.stringify("x".repeat(300_000));
  for (;;) {
    feed.push("page", page);
    let resolved = false;
    const wait = feed.drained().then(() => {
      resolved = true;
    });
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (!resolved) return { wait };
  }
}

/** Event and payload of what came on the topic, in order. */
function heard(client: RawClient): unknown[] {
  return client
    .on(topic)
    .map(([, , , event, payload]) => (event === "phx_reply" ? event : `${event} ${payload}`));
}

describe("a backfill", () => {
  test("is heard after the ok and before what was broadcast meanwhile; the client's pushes are answered all the while", async () => {
    const { channel, call } = filling();
    await using server = endpoint({ channel });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "5");
    const { feed, done } = await call(0);
    server.sockets.broadcast(topic, "news", "1");
    feed.push("page", "10");
    server.sockets.broadcast(topic, "news", "2");
    feed.push("page", "11");
    client.send("5", "6", topic, "say", {});
    expect((await client.replyTo("6")).status).toBe("ok");
    await client.settle();
    expect(heard(client)).toEqual(["phx_reply", "page 10", "page 11", "phx_reply"]);
    expect(client.on(topic)[1]?.[0]).toBe("5");
    server.sockets.broadcast(topic, "news", "3");
    expect(feed.isComplete).toBe(true);
    feed.push("page", "12");
    done.resolve();
    server.sockets.broadcast(topic, "news", "4");
    await eventually("the release", () => feed.isOver);
    server.sockets.broadcast(topic, "news", "5");
    feed.push("page", "13");
    await client.settle();
    expect(heard(client).slice(4)).toEqual(["page 12", "news 1", "news 2", "news 3", "news 4", "news 5"]);
  });

  test("comes after what `accepted` pushes, and holds what `accepted` broadcasts", async () => {
    const { backfill } = backfillsByHand();
    await using server = endpoint({
      channel: echoChannel({
        join: (joining) => ({
          ok: true,
          response: "{}",
          accepted: () => {
            joining.push("state", "1");
            server.sockets.broadcast(topic, "news", "1");
          },
          backfill: async (feed) => {
            feed.push("page", "1");
            void backfill(feed);
          },
        }),
      }),
    });
    const client = await RawClient.connect(server.url);
    await client.join(topic);
    await client.settle();
    expect(heard(client)).toEqual(["phx_reply", "state 1", "page 1", "news 1"]);
  });

  test("leaves out what it covers by then, stream by stream", async () => {
    const read = new Map<string, number>();
    const covers = ({ stream, at }: Position) => at <= (read.get(stream) ?? 0);
    const { channel, call } = filling({ covers });
    await using server = endpoint({ channel });
    const client = await RawClient.connect(server.url);
    await client.join(topic);
    const { done } = await call(0);
    for (const at of [7, 8, 9]) {
      server.sockets.broadcast(topic, "a", `${at}`, { stream: "a", at });
      server.sockets.broadcast(topic, "b", `${at}`, { stream: "b", at });
    }
    read.set("a", 8).set("b", 7);
    done.resolve();
    await client.settle();
    expect(heard(client)).toEqual(["phx_reply", "b 8", "a 9", "b 9"]);
  });

  test("begins incomplete when too much was broadcast during its join, and reads again instead of growing", async () => {
    const joins = joinsByHand();
    const { backfill, call } = backfillsByHand();
    await using server = endpoint({
      channel: echoChannel({ join: joins.join }),
      settings: { maxHeldBroadcasts: 2 },
    });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", {});
    await eventually("the question", () => joins.asked.length === 1);
    for (const n of [1, 2, 3, 4]) server.sockets.broadcast(topic, "news", `${n}`);
    joins.settle(0, { ok: true, response: "{}", backfill });
    const { feed, done } = await call(0);
    expect(feed.isComplete).toBe(false);
    feed.hold();
    expect(feed.isComplete).toBe(true);
    for (const n of [5, 6, 7]) server.sockets.broadcast(topic, "news", `${n}`);
    expect(feed.isComplete).toBe(false);
    feed.hold();
    server.sockets.broadcast(topic, "news", "8");
    done.resolve();
    await client.settle();
    expect(heard(client)).toEqual(["phx_reply", "news 8"]);
    expect(server.seen.overruns).toEqual([]);
  });

  test("holds no more bytes than may wait unread, over all topics of the socket, and gives them back", async () => {
    const { channel, call } = filling();
    await using server = endpoint({ channel, settings: { sendBufferBytes: 2_500 } });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "1");
    await client.join("place:2", "2");
    const one = await call(0);
    const two = await call(1);
    const large = JSON.stringify("x".repeat(1_000));
    server.sockets.broadcast(topic, "news", large);
    server.sockets.broadcast("place:2", "news", large);
    server.sockets.broadcast("place:2", "news", large);
    expect([one.feed.isComplete, two.feed.isComplete]).toEqual([true, false]);
    server.sockets.broadcast(topic, "news", large);
    expect(one.feed.isComplete).toBe(true);
    one.feed.drop();
    expect(one.feed.isComplete).toBe(false);
    two.feed.hold();
    server.sockets.broadcast("place:2", "news", large);
    server.sockets.broadcast("place:2", "news", large);
    expect(two.feed.isComplete).toBe(true);
  });

  test("that ends incomplete closes its socket with 1013; one that was told to drop misses nothing if nothing came", async () => {
    const { channel, call } = filling();
    await using server = endpoint({ channel });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "1");
    const first = await call(0);
    first.feed.drop();
    first.done.resolve();
    await eventually("the end", () => first.feed.isOver);
    await client.join(topic, "2");
    const second = await call(1);
    second.feed.drop();
    server.sockets.broadcast(topic, "news", "1");
    second.done.resolve();
    expect(await client.closed()).toBe(1013);
    expect(server.seen.overruns).toEqual(["held"]);
    expect(server.sockets.topicCount).toBe(0);
  });

  test("that rejects or throws is told of and closes its socket with 1013", async () => {
    const broken: ((feed: Feed) => Promise<void>)[] = [
      () => Promise.reject(new Error("late")),
      () => {
        throw new Error("at once");
      },
    ];
    await using server = endpoint({
      channel: echoChannel({ join: () => ({ ok: true, response: "{}", backfill: broken.shift()! }) }),
    });
    for (const text of ["late", "at once"]) {
      const client = await RawClient.connect(server.url);
      client.send("1", "1", topic, "phx_join", {});
      expect(await client.closed()).toBe(1013);
      expect(client.events(topic)).toEqual(["phx_reply"]);
      expect(server.seen.failures.pop()).toBe(`backfill: Error: ${text}`);
    }
    expect(server.seen.overruns).toEqual([]);
  });

  test("whose `covers` throws delivers twice rather than not at all", async () => {
    const { channel, call } = filling({
      covers: () => {
        throw new Error("no idea");
      },
    });
    await using server = endpoint({ channel });
    const client = await RawClient.connect(server.url);
    await client.join(topic);
    const { done } = await call(0);
    server.sockets.broadcast(topic, "news", "1", { stream: "a", at: 1 });
    done.resolve();
    await client.settle();
    expect(heard(client)).toEqual(["phx_reply", "news 1"]);
    expect(server.seen.failures).toEqual(["covers: Error: no idea"]);
  });
});

describe("a backfill is over", () => {
  test("when its topic is joined again: the new one begins anew, and nothing was left", async () => {
    const { channel, call, left } = filling();
    await using server = endpoint({ channel });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "1");
    const old = await call(0);
    server.sockets.broadcast(topic, "news", "1");
    await client.join(topic, "2");
    const current = await call(1);
    expect([old.feed.isOver, current.feed.isOver]).toEqual([true, false]);
    server.sockets.broadcast(topic, "news", "2");
    old.feed.push("page", "10");
    old.feed.drop();
    old.done.reject(new Error("given up"));
    await old.feed.drained();
    await eventually("the failure", () => server.seen.failures.length === 1);
    expect(current.feed.isComplete).toBe(true);
    current.feed.push("page", "20");
    current.done.resolve();
    await client.settle();
    expect(heard(client)).toEqual(["phx_reply", "phx_reply", "page 20", "news 2"]);
    expect(left).toEqual([]);
  });

  test("when its topic is left, taken away, or its socket is gone", async () => {
    const { channel, call, left } = filling();
    await using server = endpoint({ channel });
    const client = await RawClient.connect(server.url);
    const ends = [
      () => client.send("0", "10", topic, "phx_leave", {}),
      () => void server.sockets.unsubscribeWhere(topic, () => true),
      () => client.close(),
    ];
    for (const [nth, end] of ends.entries()) {
      await client.join(topic, String(nth));
      const { feed, done } = await call(nth);
      end();
      await eventually(`end ${nth}`, () => feed.isOver);
      server.sockets.broadcast(topic, "news", "1");
      feed.push("page", "1");
      await feed.drained();
      done.resolve();
    }
    await eventually("the third end", () => left.length === 3);
    expect(heard(client)).toEqual([
      "phx_reply",
      "phx_reply",
      "phx_close [object Object]",
      "phx_reply",
      "phx_close [object Object]",
      "phx_reply",
    ]);
    expect(server.sockets.topicCount).toBe(0);
    expect(server.seen.failures).toEqual([]);
  });

  test("also while it waits for a client that does not read: the wait ends with the topic, or with the socket", async () => {
    const { channel, call } = filling();
    await using server = endpoint({ channel });
    const client = await BareClient.connect(server.port);
    client.freeze();
    const ends = [() => client.send("0", "10", topic, "phx_leave", {}), () => client.destroy()];
    for (const [nth, end] of ends.entries()) {
      client.send(String(nth), String(nth), topic, "phx_join", {});
      const { feed, done } = await call(nth);
      const { wait } = await fillUntilItWaits(feed);
      expect(feed.isOver).toBe(false);
      end();
      await wait;
      expect(feed.isOver).toBe(true);
      done.resolve();
    }
  });

  test("but counts as a pending join until it settles: who joins and leaves in a loop starts no unbounded work", async () => {
    const { channel, call } = filling();
    await using server = endpoint({ channel, settings: { maxPendingJoins: 2 } });
    const client = await RawClient.connect(server.url);
    for (const ref of ["1", "2"]) {
      await client.join(topic, ref);
      client.send(ref, `${ref}0`, topic, "phx_leave", {});
      await client.replyTo(`${ref}0`);
    }
    expect((await client.join(topic, "3")).response).toEqual({ reason: "overloaded", retry_after_ms: 1000 });
    (await call(0)).done.resolve();
    await client.settle();
    expect((await client.join(topic, "4")).status).toBe("ok");
  });
});

/** The number is above 0 and has not moved for 20 turns. */
function stuck(number: () => number): () => boolean {
  let before = 0;
  let turns = 0;
  return () => {
    turns = number() === before ? turns + 1 : 0;
    before = number();
    return before > 0 && turns > 20;
  };
}

test("a client that stops reading in the middle is not closed, holds nothing, and hears all in order once it reads on", async () => {
  const pad = "x".repeat(100_000);
  const stored = Array.from({ length: 200 }, (_, n) => n);
  let next = 0;
  const feeds: Feed[] = [];
  const backfill = async (feed: Feed) => {
    feeds.push(feed);
    do {
      feed.hold();
      while (next < stored.length) {
        feed.push("page", JSON.stringify({ n: stored[next++], pad }));
        feed.drop();
        await feed.drained();
        if (feed.isOver) return;
      }
    } while (!feed.isComplete);
  };
  const covers = ({ at }: Position) => at < next;
  await using server = endpoint({
    channel: echoChannel({ join: () => ({ ok: true, response: "{}", covers, backfill }) }),
    settings: { sendBufferBytes: 256 * 1024, maxHeldBroadcasts: 10 },
  });
  const client = await BareClient.connect(server.port);
  client.freeze();
  client.send("1", "1", topic, "phx_join", {});
  await eventually(
    "the backfill to be stuck",
    stuck(() => next),
  );
  const store = (size: string) => {
    const at = stored.push(stored.length) - 1;
    server.sockets.broadcast(topic, "news", JSON.stringify({ n: at, pad: size }), { stream: "all", at });
  };
  for (let n = 0; n < 30; n += 1) store(pad);
  expect(next).toBeLessThan(200);
  expect(feeds[0]?.isComplete).toBe(false);
  client.thaw();
  await eventually("the end of the backfill", () => next >= 230);
  for (let n = 0; n < 5; n += 1) store("");
  const numbers = () => client.frames.flatMap(([, , , , payload]) => (payload as { n?: number }).n ?? []);
  await eventually("the last of it", () => numbers().length >= 235);
  await client.settle();
  expect(numbers()).toEqual(stored);
  expect([server.seen.closes, server.seen.overruns]).toEqual([[], []]);
  client.destroy();
});
