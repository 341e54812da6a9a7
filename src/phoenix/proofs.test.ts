import { expect, test } from "bun:test";
import type { Joining, Prover } from "./channel.ts";
import { BareClient } from "./testing/bare-client.ts";
import { echoChannel, endpoint } from "./testing/endpoint.ts";
import { eventually } from "./testing/raw-client.ts";

const topic = "place:1";

/** A server whose clock stands still until the test moves it; what was joined, in order. */
function proving() {
  const joined: Joining<string>[] = [];
  const time = { nowMs: 0 };
  const channel = echoChannel({
    join: (joining) => {
      joined.push(joining);
      return { ok: true, response: "{}" };
    },
  });
  const server = endpoint({ channel, settings: { pingEveryMs: 2 }, clock: { now: () => time.nowMs } });
  return { server, joined, time, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

class Counting implements Prover {
  pings = 0;
  proofs = 0;
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
  const prover = new Counting();
  client.pong("1");
  await client.settle();
  at.joined[0]?.prove(prover);
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

test("a ping comes behind exactly the replies, pushes and broadcasts of its turn and before, small and large", async () => {
  await using at = proving();
  const { sockets } = at.server;
  const client = await joinedClient(at.server.port);
  const bystander = await joinedClient(at.server.port);
  const sentBefore: number[] = [];
  let sent = 0;
  const prover = { pinged: () => void sentBefore.push(sent), proved() {} };
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
    at.joined[0]?.prove(prover);
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
  const prover = new Counting();
  at.joined[0]?.prove(prover);
  expect(prover.pings).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(prover.pings).toBe(1);
  client.destroy();
});

test("all that is asked of a socket shares one ping, the same prover twice counts once, and the next ping waits for the pong", async () => {
  await using at = proving();
  const client = await joinedClient(at.server.port);
  await client.join("place:2", "2");
  const [ada, bob, eve] = [new Counting(), new Counting(), new Counting()];
  at.joined[0]?.prove(ada);
  at.joined[0]?.prove(ada);
  at.joined[1]?.prove(bob);
  const first = await client.ping(1);
  at.time.nowMs += 10;
  at.joined[0]?.prove(ada);
  at.joined[1]?.prove(eve);
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
  const prover = new Counting();
  at.joined[0]?.prove(prover);
  client.pong(await client.ping(1));
  at.time.nowMs += 1;
  at.joined[1]?.prove(new Counting());
  await other.ping(1);
  at.joined[0]?.prove(prover);
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
  const prover = new Counting();
  at.joined[0]?.prove(prover);
  await mute.ping(1);
  at.time.nowMs += 10;
  at.joined[0]?.prove(prover);
  await mute.settle();
  mute.destroy();
  await eventually("the socket to go", () => at.server.sockets.size === 0);
  at.joined[0]?.prove(prover);
  expect(prover.seen).toEqual([1, 0]);
});

test("a proof can be asked for from acceptance to the end of the topic, and outlasts the topic once asked for", async () => {
  const early: unknown[] = [];
  const prover = new Counting();
  const joined: Joining<string>[] = [];
  const channel = echoChannel({
    join: (joining) => {
      joined.push(joining);
      try {
        joining.prove(prover);
      } catch (error) {
        early.push(error);
      }
      return { ok: true, response: "{}", accepted: () => joining.prove(prover) };
    },
  });
  await using server = endpoint({ channel });
  const client = await joinedClient(server.port);
  client.send("1", "2", topic, "phx_leave", {});
  await client.replyTo("2");
  joined[0]?.prove(new Counting());
  client.pong(await client.ping(1));
  await eventually("the proof", () => prover.proofs === 1);
  expect(early.length).toBe(1);
  expect(client.pings.length).toBe(1);
  client.destroy();
});

test("a prover that throws is told of and keeps no other from its proof", async () => {
  await using at = proving();
  const client = await joinedClient(at.server.port);
  const prover = new Counting();
  const broken = (name: string) => () => {
    throw new Error(name);
  };
  at.joined[0]?.prove({ pinged: broken("pinged"), proved: broken("proved") });
  at.joined[0]?.prove(prover);
  client.pong(await client.ping(1));
  await eventually("the proof", () => prover.proofs === 1);
  expect(at.server.seen.failures).toEqual(["proof: Error: pinged", "proof: Error: proved"]);
  client.destroy();
});
