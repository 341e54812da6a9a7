import { expect, test } from "bun:test";
import type { Feed, Joining, Position, Receiver } from "./channel.ts";
import { BareClient } from "./testing/bare-client.ts";
import { echoChannel, endpoint } from "./testing/endpoint.ts";
import { eventually } from "./testing/raw-client.ts";

const topic = "place:1";

/** A server whose clock stands still until the test moves it; what was joined, in order, and what each subscription received. */
function proving(
  receiverOf: () => Receiver = () => new Counting(),
  given: { readonly heartbeatsPerMin?: number } = {},
) {
  const joined: Joining<string>[] = [];
  const receivers: Counting[] = [];
  const time = { nowMs: 0 };
  const joins = { answer: (): Promise<boolean> | boolean => true };
  const channel = echoChannel({
    join: (joining) => {
      joined.push(joining);
      const receiver = receiverOf();
      receivers.push(receiver as Counting);
      const outcome = (ok: boolean) =>
        ok ? { ok, response: "{}", receiver } : ({ ok: false, response: "{}" } as const);
      const answer = joins.answer();
      return answer instanceof Promise ? answer.then(outcome) : outcome(answer);
    },
  });
  const server = endpoint({
    channel,
    settings: { pingEveryMs: 2, ...given },
    clock: { now: () => time.nowMs },
  });
  const close = () => server[Symbol.asyncDispose]();
  return { server, joined, receivers, time, joins, [Symbol.asyncDispose]: close };
}

class Counting implements Receiver {
  pings = 0;
  proofs = 0;
  ends = 0;
  /** Revisions, in order. */
  readonly got: number[] = [];
  sent({ at }: Position): void {
    this.got.push(at);
  }
  ended(): void {
    this.ends += 1;
  }
  pinged(): void {
    this.pings += 1;
  }
  proved(): void {
    this.proofs += 1;
  }
  get seen(): [number, number] {
    return [this.pings, this.proofs];
  }
}

async function joinedClient(port: number): Promise<BareClient> {
  const client = await BareClient.connect(port);
  await client.join(topic);
  return client;
}

test("only the pong of its ping proves, once, whatever else the client says", async () => {
  await using at = proving();
  const client = await joinedClient(at.server.port);
  const prover = at.receivers[0]!;
  client.pong("1");
  await client.settle();
  at.joined[0]?.prove();
  const payload = await client.ping(1);
  client.pong("");
  client.pong(`${payload}0`);
  await client.settle();
  expect(prover.seen).toEqual([1, 0]);
  client.pong(payload);
  client.pong(payload);
  await client.settle();
  expect(prover.seen).toEqual([1, 1]);
  client.destroy();
});

test("a socket that answers what it is asked is not limited for it, one that says as much unasked is", async () => {
  await using at = proving(undefined, { heartbeatsPerMin: 10 });
  const client = await joinedClient(at.server.port);
  for (let nth = 1; nth <= 30; nth += 1) {
    at.time.nowMs += 10;
    at.joined[0]?.prove();
    client.pong(await client.ping(nth));
    await eventually("the proof", () => at.receivers[0]!.proofs === nth || at.server.seen.closes.length > 0);
  }
  expect(at.server.seen).toMatchObject({ overruns: [], closes: [] });
  for (let nth = 1; nth <= 30; nth += 1) client.pong("30");
  await eventually("the end", () => at.server.seen.closes.length > 0);
  expect(at.server.seen.overruns).toEqual(["flood of refused"]);
  client.destroy();
});

test("a ping comes behind exactly the replies, pushes and broadcasts of its turn and before, small and large", async () => {
  const sentBefore: number[] = [];
  let sent = 0;
  const note = () => void sentBefore.push(sent);
  await using at = proving(() => ({ pinged: note, proved() {}, sent() {}, ended() {} }));
  const { sockets } = at.server;
  const client = await joinedClient(at.server.port);
  const bystander = await joinedClient(at.server.port);
  const say = (payload: string) => {
    sockets.broadcast(topic, "said", payload);
    at.joined[0]?.push("said", payload);
    sockets.broadcast(topic, "said", payload);
    sent += 3;
  };
  const large = JSON.stringify("x".repeat(40_000));
  const turns = [["1"], ["1", "2", "3"], [large], ["1", large, "2"], [large, large, "1"]];
  for (const [turn, payloads] of turns.entries()) {
    at.time.nowMs += 10;
    at.joined[0]?.prove();
    for (const payload of payloads) say(payload);
    client.pong(await client.ping(turn + 1));
    await client.settle();
  }
  const isSaid = ([kind, what]: (typeof client.arrived)[number]) => kind === "text" && what[3] === "said";
  const heardBefore = client.arrived.flatMap(([kind], index) =>
    kind === "ping" ? [client.arrived.slice(0, index).filter(isSaid).length] : [],
  );
  expect(heardBefore).toEqual([3, 12, 15, 24, 33]);
  expect(sentBefore).toEqual(heardBefore);
  expect(bystander.pings).toEqual([]);
  client.destroy();
  bystander.destroy();
});

test("a ping is out in the turn in which it was asked for", async () => {
  await using at = proving();
  const client = await joinedClient(at.server.port);
  const prover = at.receivers[0]!;
  at.joined[0]?.prove();
  expect(prover.pings).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(prover.pings).toBe(1);
  client.destroy();
});

test("all that is asked of a socket shares one ping, asking twice counts once, and the next ping waits for the pong", async () => {
  await using at = proving();
  const client = await joinedClient(at.server.port);
  await client.join("place:2", "2");
  await client.join("place:3", "3");
  const [ada, bob, eve] = at.receivers as [Counting, Counting, Counting];
  at.joined[0]?.prove();
  at.joined[0]?.prove();
  at.joined[1]?.prove();
  const first = await client.ping(1);
  at.time.nowMs += 10;
  at.joined[0]?.prove();
  at.joined[2]?.prove();
  await client.settle();
  expect([client.pings.length, ada.seen, bob.seen, eve.seen]).toEqual([1, [1, 0], [1, 0], [0, 0]]);
  client.pong(first);
  const second = await client.ping(2);
  expect([ada.seen, bob.seen, eve.seen]).toEqual([
    [2, 1],
    [1, 1],
    [1, 0],
  ]);
  client.pong(second);
  await eventually("the second proof", () => ada.proofs === 2);
  expect([bob.seen, eve.seen]).toEqual([
    [1, 1],
    [1, 1],
  ]);
  client.destroy();
});

test("a socket is pinged at most once in pingEveryMs, and then as soon as that is over", async () => {
  await using at = proving();
  const client = await joinedClient(at.server.port);
  const other = await joinedClient(at.server.port);
  const prover = at.receivers[0]!;
  at.joined[0]?.prove();
  client.pong(await client.ping(1));
  at.time.nowMs += 1;
  at.joined[1]?.prove();
  await other.ping(1);
  at.joined[0]?.prove();
  await client.settle();
  await client.settle();
  expect(prover.seen).toEqual([1, 1]);
  at.time.nowMs += 1;
  client.pong(await client.ping(2));
  await eventually("the second proof", () => prover.proofs === 2);
  expect(other.pings.length).toBe(1);
  client.destroy();
  other.destroy();
});

test("a client that never pongs never proves, and neither does one that leaves for good", async () => {
  await using at = proving();
  const mute = await joinedClient(at.server.port);
  const prover = at.receivers[0]!;
  at.joined[0]?.prove();
  await mute.ping(1);
  at.time.nowMs += 10;
  at.joined[0]?.prove();
  await mute.settle();
  mute.destroy();
  await eventually("the socket to go", () => at.server.sockets.size === 0);
  at.joined[0]?.prove();
  expect(prover.seen).toEqual([1, 0]);
});

test("a proof can be asked for from acceptance to the end of the topic", async () => {
  const early: unknown[] = [];
  const receiver = new Counting();
  const channel = echoChannel({
    join: (joining) => {
      try {
        joining.prove();
      } catch (error) {
        early.push(error);
      }
      return { ok: true, response: "{}", receiver, accepted: () => joining.prove() };
    },
  });
  await using server = endpoint({ channel });
  const client = await joinedClient(server.port);
  client.pong(await client.ping(1));
  await eventually("the proof", () => receiver.proofs === 1);
  expect(early.length).toBe(1);
  client.destroy();
});

test("I5: what was broadcast is recorded by the subscription that it went out to, live or held", async () => {
  await using at = proving();
  const client = await joinedClient(at.server.port);
  const position = (rev: number) => ({ stream: "s", at: rev });
  at.server.sockets.broadcast(topic, "said", "1", position(1));
  at.server.sockets.pushWhere(topic, "said", "2", () => true, position(2));
  at.server.sockets.pushWhere(topic, "said", "2", () => false, position(3));
  const answer = Promise.withResolvers<boolean>();
  at.joins.answer = () => answer.promise;
  client.send("2", "2", topic, "phx_join", {});
  await eventually("the re-join to begin", () => at.joined.length === 2);
  at.server.sockets.broadcast(topic, "said", "4", position(4));
  at.server.sockets.pushWhere(topic, "said", "5", () => true, position(5));
  expect(at.receivers.map(({ got }) => got)).toEqual([[1, 2], []]);
  answer.resolve(true);
  await client.replyTo("2");
  at.server.sockets.broadcast(topic, "said", "6", position(6));
  expect(at.receivers.map(({ got }) => got)).toEqual([
    [1, 2],
    [4, 5, 6],
  ]);
  client.destroy();
});

test("I5: what is broadcast during a backfill is recorded when it goes out, and not when it is held or dropped", async () => {
  const receiver = new Counting();
  const begun = Promise.withResolvers<Feed>();
  const over = Promise.withResolvers<void>();
  const backfill = (feed: Feed) => {
    begun.resolve(feed);
    return over.promise;
  };
  const outcomes = [{}, { receiver, backfill }];
  const channel = echoChannel({ join: () => ({ ok: true, response: "{}", ...outcomes.shift() }) });
  await using server = endpoint({ channel });
  const bystander = await joinedClient(server.port);
  const client = await joinedClient(server.port);
  const feed = await begun.promise;
  const say = (rev: number) => {
    const position = { stream: "s", at: rev };
    if (rev % 2) server.sockets.broadcast(topic, "said", String(rev), position);
    else server.sockets.pushWhere(topic, "said", String(rev), () => true, position);
  };
  for (const rev of [1, 2]) say(rev);
  feed.drop();
  feed.hold();
  for (const rev of [3, 4]) say(rev);
  expect(receiver.got).toEqual([]);
  over.resolve();
  await eventually("what was held to go out", () => receiver.got.length > 0);
  say(5);
  expect(receiver.got).toEqual([3, 4, 5]);
  client.destroy();
  bystander.destroy();
});

for (const [how, frame, isJoined] of [
  ["a re-join begins, which is accepted later", ["2", "2", topic, "phx_join", {}], true],
  ["a re-join begins, which is refused later", ["2", "2", topic, "phx_join", {}], false],
  ["the topic is left", ["1", "2", topic, "phx_leave", {}], null],
] as const) {
  test(`I5: nothing that was sent before counts as received once ${how}: the client may have dropped it`, async () => {
    await using at = proving();
    const client = await joinedClient(at.server.port);
    await client.join("place:2", "9");
    const [receiver, other] = at.receivers as [Counting, Counting];
    at.joined[0]?.prove();
    at.joined[1]?.prove();
    const payload = await client.ping(1);
    const answer = Promise.withResolvers<boolean>();
    at.joins.answer = () => answer.promise;
    at.joined[0]?.prove();
    client.send(...(frame as Parameters<typeof client.send>));
    await eventually("the subscription to end", () => receiver.ends === 1);
    at.joined[0]?.prove();
    client.pong(payload);
    at.time.nowMs += 10;
    await eventually("the other topic's proof", () => other.proofs === 1);
    if (isJoined !== null) answer.resolve(isJoined);
    await client.replyTo("2");
    at.joined[1]?.prove();
    client.pong(await client.ping(2));
    await eventually("the next proof", () => other.proofs === 2);
    expect(receiver.seen).toEqual([1, 0]);
    expect([receiver.ends, other.ends]).toEqual([1, 0]);
    client.destroy();
  });
}

test("a receiver that throws is reported and keeps no other from its proof", async () => {
  const broken = (name: string) => () => {
    throw new Error(name);
  };
  const receivers: Receiver[] = [
    { pinged: broken("pinged"), proved: broken("proved"), sent: broken("sent"), ended: broken("ended") },
    new Counting(),
  ];
  let next = 0;
  await using at = proving(() => receivers[next++]!);
  const client = await joinedClient(at.server.port);
  await client.join("place:2", "2");
  const other = at.receivers[1]!;
  at.server.sockets.broadcast(topic, "said", "1", { stream: "s", at: 1 });
  at.joined[0]?.prove();
  at.joined[1]?.prove();
  client.pong(await client.ping(1));
  await eventually("the proof", () => other.proofs === 1);
  client.send("1", "3", topic, "phx_leave", {});
  await client.replyTo("3");
  expect(at.server.seen.failures).toEqual([
    "sent: Error: sent",
    "proof: Error: pinged",
    "proof: Error: proved",
    "ended: Error: ended",
  ]);
  client.destroy();
});
