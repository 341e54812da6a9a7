import { describe, expect, test } from "bun:test";
import type { ClientEvent, Joining, JoinOutcome, Position } from "./channel.ts";
import { echoChannel, endpoint, joinsByHand } from "./testing/endpoint.ts";
import { eventually, RawClient } from "./testing/raw-client.ts";

const topic = "place:1";
const ok = (response = "{}"): JoinOutcome => ({ ok: true, response });

describe("the protocol", () => {
  test("a heartbeat is answered on the phoenix topic", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const client = await RawClient.connect(server.url);
    client.send(null, "7", "phoenix", "heartbeat", {});
    await client.replyTo("7");
    expect(client.frames).toEqual([[null, "7", "phoenix", "phx_reply", { status: "ok", response: {} }]]);
  });

  test("a joined client's push is answered with its own refs", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const client = await RawClient.connect(`${server.url}`);
    expect(await client.join(topic)).toEqual({ status: "ok", response: { you: "nobody" } });
    client.send("1", "2", topic, "say", { a: 'é"\u2028' });
    await client.replyTo("2");
    expect(client.frames[1]).toEqual([
      "1",
      "2",
      topic,
      "phx_reply",
      { status: "ok", response: { event: "say", got: { a: 'é"\u2028' } } },
    ]);
  });

  test("a topic that nobody serves cannot be joined", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const client = await RawClient.connect(server.url);
    expect(await client.join("elsewhere:1")).toEqual({
      status: "error",
      response: { reason: "unmatched topic" },
    });
    expect(await client.join("phoenix", "2")).toEqual({
      status: "error",
      response: { reason: "unmatched topic" },
    });
  });

  test("a push to a topic never joined, or with an outdated join_ref, reaches no channel", async () => {
    const received: string[] = [];
    await using server = endpoint({
      channel: echoChannel({ receive: (push) => void received.push(push.event) }),
    });
    const client = await RawClient.connect(server.url);
    client.send(null, "9", topic, "say", {});
    expect(await client.replyTo("9")).toEqual({ status: "error", response: { reason: "unmatched topic" } });
    await client.join(topic, "1");
    await client.join(topic, "2");
    client.send("1", "10", topic, "say", {});
    expect(await client.replyTo("10")).toEqual({ status: "error", response: { reason: "unmatched topic" } });
    expect(received).toEqual([]);
  });

  test("a leave is confirmed, followed by phx_close, and ends the broadcasts", async () => {
    const left: string[] = [];
    await using server = endpoint({ channel: echoChannel({ left: (name) => void left.push(name) }) });
    const client = await RawClient.connect(server.url);
    await client.join(topic);
    client.send("1", "2", topic, "phx_leave", {});
    await client.replyTo("2");
    server.sockets.broadcast(topic, "news", "{}");
    await client.settle();
    expect(client.events(topic)).toEqual(["phx_reply", "phx_reply", "phx_close"]);
    expect(client.on(topic)[2]).toEqual(["1", "1", topic, "phx_close", {}]);
    expect(left).toEqual([topic]);
    expect(server.sockets.hasListeners(topic)).toBe(false);
  });

  test("topics, events and refs with quotes, control characters and lone surrogates come back as they were sent", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const client = await RawClient.connect(server.url);
    const odd = 'place:"\\\n\u0000é\ud800';
    client.sendBytes(JSON.stringify(['r"1', 'r"1', odd, "phx_join", {}]));
    expect(await client.replyTo('r"1')).toEqual({ status: "ok", response: { you: "nobody" } });
    server.sockets.broadcast(odd, 'e"\n', `{"a":1}`);
    await client.settle();
    expect(client.on(odd)[1]).toEqual([null, null, odd, 'e"\n', { a: 1 }]);
  });

  test("a binary push arrives as bytes", async () => {
    const got: unknown[] = [];
    await using server = endpoint({
      channel: echoChannel({
        receive: (push) => {
          got.push(push.payload);
          push.reply(true, "{}");
        },
      }),
    });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "1");
    const text = new TextEncoder().encode(`12${topic}up`);
    client.sendBytes(new Uint8Array([0, 1, 1, topic.length, 2, ...text, 1, 2, 255]));
    await client.replyTo("2");
    expect(got).toEqual([new Uint8Array([1, 2, 255])]);
  });
});

describe("joins", () => {
  test("a re-join moves to the new join_ref, is answered ok and closes nothing", async () => {
    const left: string[] = [];
    await using server = endpoint({ channel: echoChannel({ left: (name) => void left.push(name) }) });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "1");
    await client.join(topic, "2");
    client.send("2", "3", topic, "say", {});
    expect((await client.replyTo("3")).status).toBe("ok");
    server.sockets.broadcast(topic, "news", "{}");
    await client.settle();
    expect(client.events(topic)).toEqual(["phx_reply", "phx_reply", "phx_reply", "news"]);
    expect(left).toEqual([]);
  });

  test("two joins in one tick end in one joined topic with the newest join_ref, both answered ok from one question", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", {});
    client.send("2", "2", topic, "phx_join", {});
    client.send("2", "3", topic, "say", {});
    await client.settle();
    expect(joins.asked.length).toBe(1);
    joins.settle(0, ok(`{"n":1}`));
    await client.replyTo("3");
    server.sockets.broadcast(topic, "news", "{}");
    await client.settle();
    expect(client.on(topic).map((frame) => [frame[0], frame[1], frame[3]])).toEqual([
      ["1", "1", "phx_reply"],
      ["2", "2", "phx_reply"],
      ["2", "3", "phx_reply"],
      [null, null, "news"],
    ]);
  });

  test("a join repeated with another payload is asked anew and its answer goes to both", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", { since: 1 });
    client.send("2", "2", topic, "phx_join", { since: 2 });
    await eventually("both questions", () => joins.asked.length === 2);
    joins.settle(0, { ok: false, response: "{}" });
    joins.settle(1, ok(`{"since":2}`));
    expect(await client.replyTo("2")).toEqual({ status: "ok", response: { since: 2 } });
    expect(await client.replyTo("1")).toEqual({ status: "ok", response: { since: 2 } });
  });

  test("broadcasts during a join come after its ok, without those that the answer already holds", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", {});
    await eventually("the question", () => joins.asked.length === 1);
    expect(server.sockets.hasListeners(topic)).toBe(true);
    for (const at of [4, 5, 6, 7])
      server.sockets.broadcast(topic, "news", `{"n":${at}}`, { stream: "main", at });
    server.sockets.broadcast(topic, "news", `{"n":1}`, { stream: "other", at: 1 });
    server.sockets.broadcast(topic, "typing", "{}");
    await client.settle();
    expect(client.on(topic)).toEqual([]);
    const covers = ({ stream, at }: Position) => stream === "main" && at <= 5;
    joins.settle(0, { ok: true, response: "{}", covers });
    await client.replyTo("1");
    server.sockets.broadcast(topic, "news", `{"n":8}`, { stream: "main", at: 8 });
    await client.settle();
    expect(client.on(topic).map((frame) => [frame[3], (frame[4] as { n?: number }).n])).toEqual([
      ["phx_reply", undefined],
      ["news", 6],
      ["news", 7],
      ["news", 1],
      ["typing", undefined],
      ["news", 8],
    ]);
  });

  test("a stranger whose join is refused hears nothing of what was broadcast meanwhile", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", {});
    client.send("1", "2", topic, "say", {});
    await eventually("the question", () => joins.asked.length === 1);
    server.sockets.broadcast(topic, "secret", "{}");
    joins.settle(0, { ok: false, response: `{"reason":"not_authorized"}` });
    expect(await client.replyTo("2")).toEqual({ status: "error", response: { reason: "unmatched topic" } });
    server.sockets.broadcast(topic, "secret", "{}");
    await client.settle();
    expect(client.events(topic)).toEqual(["phx_reply", "phx_reply"]);
    expect(server.sockets.topicCount).toBe(0);
  });

  test("what a channel pushes on acceptance comes after the ok and before later broadcasts of the same tick", async () => {
    await using server = endpoint({
      channel: echoChannel({
        join: (joining) => ({
          ok: true,
          response: "{}",
          accepted: () => {
            joining.push("state", `{"first":true}`);
            server.sockets.broadcast(topic, "diff", "{}");
            joining.push("more", "{}");
          },
        }),
      }),
    });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "5");
    await client.settle();
    expect(client.events(topic)).toEqual(["phx_reply", "state", "diff", "more"]);
    expect(client.on(topic)[1]?.[0]).toBe("5");
  });

  test("pushes and broadcasts of one tick keep their order for another socket, small and large", async () => {
    const joined = new Map<string, Joining<string>>();
    const large = JSON.stringify("x".repeat(40_000));
    await using server = endpoint({
      channel: echoChannel({
        join: (joining) => {
          joined.set(String(joining.payload), joining);
          return ok();
        },
        receive: (push) => {
          push.reply(true, "{}");
          for (const payload of ["1", large, "2", large]) {
            joined.get("bob")?.push("direct", payload);
            server.sockets.broadcast(topic, "all", payload);
          }
        },
      }),
    });
    const ada = await RawClient.connect(server.url);
    const bob = await RawClient.connect(server.url);
    await ada.join(topic, "1", "ada");
    await bob.join(topic, "2", "bob");
    ada.send("1", "3", topic, "go", {});
    await ada.replyTo("3");
    await bob.settle();
    await ada.settle();
    expect(bob.events(topic).slice(1)).toEqual([
      "direct",
      "all",
      "direct",
      "all",
      "direct",
      "all",
      "direct",
      "all",
    ]);
    expect(ada.events(topic).filter((event) => event === "all").length).toBe(4);
  });

  test("an answer to a join that was left meanwhile is dropped", async () => {
    const joins = joinsByHand();
    const left: string[] = [];
    await using server = endpoint({
      channel: echoChannel({ join: joins.join, left: (name) => void left.push(name) }),
    });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", {});
    client.send("1", "2", topic, "phx_leave", {});
    await client.replyTo("2");
    joins.settle(0, ok());
    server.sockets.broadcast(topic, "news", "{}");
    await client.settle();
    expect(client.events(topic)).toEqual(["phx_reply", "phx_close"]);
    expect(left).toEqual([]);
  });

  test("more topics, joins or held pushes than allowed are refused by name", async () => {
    const joins = joinsByHand();
    await using server = endpoint({
      channel: echoChannel({ join: joins.join }),
      settings: { maxTopicsPerSocket: 2, maxPendingJoins: 2, maxWaitingFrames: 3 },
    });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", "place:1", "phx_join", {});
    client.send("2", "2", "place:2", "phx_join", {});
    client.send("3", "3", "place:3", "phx_join", {});
    expect((await client.replyTo("3")).response).toEqual({ reason: "too_many_topics" });
    for (const ref of ["4", "5", "6"]) client.send("1", ref, "place:1", "say", {});
    expect((await client.replyTo("6")).response).toEqual({ reason: "overloaded", retry_after_ms: 1000 });
    client.send("2", "7", "place:2", "phx_leave", {});
    client.send("8", "8", "place:2", "phx_join", {});
    expect((await client.replyTo("8")).response).toEqual({ reason: "overloaded", retry_after_ms: 1000 });
    joins.settle(0, ok());
    joins.settle(1, ok());
    await client.replyTo("5");
    client.send("9", "9", "place:2", "phx_join", {});
    await eventually("the third question", () => joins.asked.length === 3);
  });

  test("all sockets of one owner share the topics that they may be on, and what ends gives its place back", async () => {
    await using server = endpoint({
      channel: echoChannel(),
      settings: { maxTopicsPerOwner: 2 },
    });
    const [one, other] = [await RawClient.connect(server.url), await RawClient.connect(server.url)];
    const stranger = await RawClient.connect(server.url, "stranger");
    const join = async (client: RawClient, ref: string, place: string) => {
      client.send(ref, ref, place, "phx_join", {});
      return (await client.replyTo(ref)).response;
    };
    expect(await join(one, "1", "place:1")).not.toHaveProperty("reason");
    expect(await join(one, "2", "place:2")).not.toHaveProperty("reason");
    expect(await join(other, "1", "place:1")).toEqual({ reason: "too_many_topics" });
    expect(await join(stranger, "1", "place:1")).not.toHaveProperty("reason");
    // The same topic again takes no other place.
    expect(await join(one, "3", "place:2")).not.toHaveProperty("reason");
    one.send("3", "4", "place:2", "phx_leave", {});
    await one.replyTo("4");
    expect(await join(other, "2", "place:1")).not.toHaveProperty("reason");
    expect(await join(other, "3", "place:2")).toEqual({ reason: "too_many_topics" });
    one.close();
    await eventually("the socket to be gone", () => server.seen.closes.length === 1);
    expect(await join(other, "4", "place:2")).not.toHaveProperty("reason");
  });

  test("large frames that wait for joins are refused past their bound, and the room they took comes back", async () => {
    const joins = joinsByHand();
    await using server = endpoint({
      channel: echoChannel({ join: joins.join }),
      settings: { maxWaitingBytes: 3_000 },
    });
    const client = await RawClient.connect(server.url);
    const large = "x".repeat(1_000);
    client.send("1", "1", "place:1", "phx_join", large);
    client.send("1", "2", "place:1", "say", large);
    expect((await client.replyTo("2")).response).toEqual({ reason: "overloaded", retry_after_ms: 1000 });
    client.send("3", "3", "place:2", "phx_join", large);
    expect((await client.replyTo("3")).response).toEqual({ reason: "overloaded", retry_after_ms: 1000 });
    joins.settle(0, ok());
    await client.replyTo("1");
    client.send("4", "4", "place:2", "phx_join", large);
    await eventually("the second question", () => joins.asked.length === 2);
  });

  test("a join during which too much was broadcast ends its socket with 1013 when it is accepted", async () => {
    const joins = joinsByHand();
    await using server = endpoint({
      channel: echoChannel({ join: joins.join }),
      settings: { maxHeldBroadcasts: 3 },
    });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", {});
    await eventually("the question", () => joins.asked.length === 1);
    for (let n = 0; n < 6; n += 1) server.sockets.broadcast(topic, "news", "{}");
    joins.settle(0, ok());
    expect(await client.closed()).toBe(1013);
    expect(server.seen.overruns).toEqual(["held"]);
    expect(server.sockets.topicCount).toBe(0);
  });
});

describe("broadcasts to some", () => {
  const isBob = (identity: string) => identity === "bob";

  /** Two sockets whose tokens are their names. */
  async function adaAndBob(url: string): Promise<[RawClient, RawClient]> {
    const named = (name: string) => RawClient.connect(url, name);
    return [await named("ada"), await named("bob")];
  }

  test("reach the matching sockets only, between the broadcasts and pushes around them, small and large", async () => {
    const joined = new Map<string, Joining<string>>();
    await using server = endpoint({
      channel: echoChannel({
        join: (joining) => {
          joined.set(joining.identity, joining);
          return ok();
        },
      }),
    });
    const [ada, bob] = await adaAndBob(server.url);
    await ada.join(topic);
    await bob.join(topic);
    const large = JSON.stringify("x".repeat(40_000));
    for (const payload of ["1", large, "2", large, large]) {
      server.sockets.broadcast(topic, "before", payload);
      server.sockets.pushWhere(topic, "some", payload, isBob);
      joined.get("bob")?.push("direct", payload);
      server.sockets.pushWhere(topic, "more", payload, isBob);
      server.sockets.broadcast(topic, "after", payload);
    }
    await ada.settle();
    await bob.settle();
    const round = ["before", "some", "direct", "more", "after"];
    expect(bob.events(topic).slice(1)).toEqual([...round, ...round, ...round, ...round, ...round]);
    expect(ada.events(topic).slice(1)).toEqual(Array(5).fill(["before", "after"]).flat());
    expect(bob.on(topic)[2]?.[0]).toBe(null);
  });

  test("are held like any other for a matching socket whose join is in flight", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    const clients = await adaAndBob(server.url);
    for (const client of clients) client.send("1", "1", topic, "phx_join", {});
    await eventually("both questions", () => joins.asked.length === 2);
    server.sockets.broadcast(topic, "all", "1");
    for (const at of [1, 2]) server.sockets.pushWhere(topic, "some", `${at}`, isBob, { stream: "main", at });
    server.sockets.broadcast(topic, "all", "2");
    for (const index of [0, 1])
      joins.settle(index, { ok: true, response: "{}", covers: ({ at }) => at === 1 });
    for (const client of clients) await client.replyTo("1");
    for (const client of clients) await client.settle();
    expect(clients.map((client) => client.events(topic))).toEqual([
      ["phx_reply", "all", "all"],
      ["phx_reply", "all", "some", "all"],
    ]);
  });
});

test("payloads that differ by socket reach each who hears the topic by now, in order with what is broadcast, and are kept for no join in flight", async () => {
  const joins = joinsByHand();
  await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
  const clients = await Promise.all(["ada", "bob", "cyd"].map((name) => RawClient.connect(server.url, name)));
  for (const [at, client] of clients.entries()) {
    client.send("1", "1", topic, "phx_join", {});
    await eventually("the question", () => joins.asked.length === at + 1);
  }
  for (const at of [0, 1]) joins.settle(at, ok());
  for (const client of clients.slice(0, 2)) await client.replyTo("1");
  server.sockets.broadcast(topic, "before", "0");
  server.sockets.pushEachNow(topic, "each", (identity) => (identity === "bob" ? ["1", "2"] : ["3"]));
  server.sockets.broadcast(topic, "after", "0");
  joins.settle(2, ok());
  for (const client of clients) await client.settle();
  expect(
    clients.map((client) =>
      client
        .on(topic)
        .map(([, , , event, payload]) => [event, payload])
        .slice(1),
    ),
  ).toEqual([
    [
      ["before", 0],
      ["each", 3],
      ["after", 0],
    ],
    [
      ["before", 0],
      ["each", 1],
      ["each", 2],
      ["after", 0],
    ],
    [
      ["before", 0],
      ["after", 0],
    ],
  ]);
});

test("a broadcast to those who hear the topic by now keeps its place, and nothing of it is kept for a join in flight", async () => {
  const joins = joinsByHand();
  const settings = { maxHeldBroadcasts: 1 };
  await using server = endpoint({ channel: echoChannel({ join: joins.join }), settings });
  const [ada, bob] = await Promise.all([RawClient.connect(server.url), RawClient.connect(server.url, "bob")]);
  server.sockets.broadcastNow(topic, "to nobody", "1");
  ada.send("1", "1", topic, "phx_join", {});
  await eventually("her question", () => joins.asked.length === 1);
  server.sockets.broadcastNow(topic, "to nobody", "1");
  joins.settle(0, ok());
  await ada.replyTo("1");
  bob.send("1", "1", topic, "phx_join", {});
  await eventually("his question", () => joins.asked.length === 2);
  server.sockets.broadcast(topic, "before", "1");
  for (const event of ["now", "now"]) server.sockets.broadcastNow(topic, event, "1");
  server.sockets.pushWhere(topic, "after", "1", (identity) => identity !== "bob");
  joins.settle(1, ok());
  for (const client of [ada, bob]) await client.settle();
  expect(ada.events(topic)).toEqual(["phx_reply", "before", "now", "now", "after"]);
  expect(bob.events(topic)).toEqual(["phx_reply", "before"]);
});

describe("broadcasts of one socket to the others", () => {
  const isAda = (identity: string) => identity === "ada";

  test("keep their place among the broadcasts, small and large, and do not come back", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const [ada, bob, cleo] = await Promise.all(
      ["ada", "bob", "cleo"].map((name) => RawClient.connect(server.url, name)),
    );
    for (const client of [ada!, bob!, cleo!]) await client.join(topic);
    const large = JSON.stringify("x".repeat(40_000));
    for (const payload of ["1", large]) {
      server.sockets.broadcast(topic, "before", payload);
      server.sockets.broadcastFrom(topic, "from", payload, isAda);
      server.sockets.broadcast(topic, "after", payload);
    }
    server.sockets.broadcastFrom(topic, "from nobody", "1", () => false);
    for (const client of [ada!, bob!, cleo!]) await client.settle();
    const round = ["before", "from", "after"];
    expect(ada!.events(topic).slice(1)).toEqual(["before", "after", "before", "after", "from nobody"]);
    for (const client of [bob!, cleo!])
      expect(client.events(topic).slice(1)).toEqual([...round, ...round, "from nobody"]);
  });

  test("are held for those whose join is in flight, but not for the one that they come from, which joins again", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    const [ada, bob, cleo] = await Promise.all(
      ["ada", "bob", "cleo"].map((name) => RawClient.connect(server.url, name)),
    );
    for (const client of [ada!, bob!]) client.send("1", "1", topic, "phx_join", {});
    await eventually("both questions", () => joins.asked.length === 2);
    for (const index of [0, 1]) joins.settle(index, ok());
    for (const client of [ada!, bob!]) await client.replyTo("1");
    for (const client of [ada!, cleo!]) client.send("2", "2", topic, "phx_join", {});
    await eventually("the questions again", () => joins.asked.length === 4);
    server.sockets.broadcastFrom(topic, "from", "1", isAda);
    for (const index of [2, 3]) joins.settle(index, ok());
    for (const client of [ada!, cleo!]) await client.replyTo("2");
    for (const client of [ada!, bob!, cleo!]) await client.settle();
    expect(ada!.events(topic)).not.toContain("from");
    expect(bob!.events(topic)).toContain("from");
    expect(cleo!.events(topic)).toEqual(["phx_reply", "from"]);
  });
});

describe("a gate", () => {
  test("is asked once for each frame but heartbeats, pipelined ones too, and what it refuses is answered with its response", async () => {
    const joins = joinsByHand();
    const asked: string[] = [];
    const received: string[] = [];
    await using server = endpoint({
      channel: echoChannel({
        join: joins.join,
        receive: (push) => {
          received.push(push.event);
          push.reply(true, "{}");
        },
      }),
      gate: (identity, frame) => {
        asked.push(`${identity} ${frame.topic} ${frame.event} ${frame.size}`);
        if (frame.event === "bug") throw new Error("gate bug");
        return frame.event === "say"
          ? undefined
          : frame.topic === "place:2"
            ? `{"reason":"full"}`
            : undefined;
      },
    });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", {});
    client.send("1", "2", topic, "say", {});
    await client.settle();
    joins.settle(0, ok());
    expect((await client.replyTo("2")).status).toBe("ok");
    expect((await client.join("place:2", "3")).response).toEqual({ reason: "full" });
    client.send(null, null, "place:2", "phx_join", {});
    client.send(null, null, "place:2", "unanswerable", {});
    client.send("1", "5", topic, "bug", {});
    expect((await client.replyTo("5")).response).toEqual({ reason: "internal" });
    expect(client.on("place:2").map(([, ref, , event]) => [ref, event])).toEqual([
      ["3", "phx_reply"],
      [null, "phx_reply"],
    ]);
    expect(asked).toEqual([
      `nobody ${topic} phx_join 33`,
      `nobody ${topic} say 28`,
      "nobody place:2 phx_join 33",
      "nobody place:2 phx_join 35",
      "nobody place:2 unanswerable 39",
      `nobody ${topic} bug 28`,
    ]);
    expect(received).toEqual(["say"]);
    expect(joins.asked.length).toBe(1);
    expect(server.seen.failures).toEqual(["gate: Error: gate bug"]);
  });
});

test("a gate that closes the socket leaves nothing of the join behind", async () => {
  await using server = endpoint({
    channel: echoChannel(),
    gate: () => {
      server.sockets.closeWhere(() => true, 4008, "too much");
      return undefined;
    },
  });
  const client = await RawClient.connect(server.url);
  client.send("1", "1", topic, "phx_join", {});
  expect(await client.closed()).toBe(4008);
  expect(server.sockets.topicCount).toBe(0);
});

describe("trouble", () => {
  test("a malformed frame is counted and answered, by its ref where that can be read, and the socket stays usable", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const client = await RawClient.connect(server.url);
    const bad = [
      "",
      "nonsense",
      "{}",
      "[]",
      "[1,2,3]",
      `["1","44",5,"e",{}]`,
      `["1","45","t","e"]`,
      "[".repeat(50_000),
    ];
    for (const text of bad) client.sendBytes(text);
    for (const bytes of [[], [0], [9, 9], [0, 255, 255, 255, 255], [0, 1, 0, 0, 0, 0xff]]) {
      client.sendBytes(new Uint8Array(bytes));
    }
    expect((await client.replyTo("44")).response).toMatchObject({ reason: "malformed_frame" });
    expect((await client.replyTo("45")).response).toMatchObject({ reason: "malformed_frame" });
    expect((await client.join(topic)).status).toBe("ok");
    expect(server.seen.malformed).toBe(bad.length + 5);
    expect(client.frames.filter(([, ref]) => ref === null)).toHaveLength(bad.length + 2);
    expect(server.seen.failures).toEqual([]);
  });

  test("a frame over the limit is answered payload_too_large by its ref, its channel never sees it, and the socket lives on", async () => {
    const received: unknown[] = [];
    await using server = endpoint({
      channel: echoChannel({ receive: ({ payload }) => void received.push(payload) }),
      settings: { maxFrameBytes: 1_000 },
    });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "1");
    client.send("1", "2", topic, "say", "x".repeat(1_000));
    client.send("1", 3, topic, "say", "€".repeat(400));
    client.send("4", "4", "place:2", "phx_join", "x".repeat(3_900));
    client.sendBytes(
      Buffer.concat([Buffer.from([0, 1, 1, 7, 3]), Buffer.from("15place:1say"), Buffer.alloc(2_000)]),
    );
    for (const ref of ["2", 3, "4", "5"])
      expect(await client.replyTo(ref)).toMatchObject({
        status: "error",
        response: { reason: "payload_too_large", message: expect.stringContaining("1000 bytes") },
      });
    client.send("1", "6", topic, "say", "x".repeat(900));
    await eventually("the one that fits", () => received.length === 1);
    expect([server.seen.unread, server.seen.failures, client.closeCode]).toEqual([
      Array(4).fill("too_large"),
      [],
      undefined,
    ]);
  });

  test("a push is answered only while the join lasts that it belongs to, whether it names that or not", async () => {
    const late: ClientEvent<string>[] = [];
    await using server = endpoint({ channel: echoChannel({ receive: (push) => void late.push(push) }) });
    const client = await RawClient.connect(server.url);
    await client.join(topic, "1");
    client.send("1", "2", topic, "say", {});
    client.send(null, "3", topic, "say", {});
    await client.settle();
    await client.join(topic, "4");
    client.send(null, "5", topic, "say", {});
    await client.settle();
    for (const push of late) push.reply(true, "{}");
    expect((await client.replyTo("5")).status).toBe("ok");
    await client.settle();
    const answered = client.on(topic).map(([joinRef, ref]) => [joinRef, ref]);
    expect(answered).toEqual([
      ["1", "1"],
      ["4", "4"],
      ["4", "5"],
    ]);
  });

  test("a frame of more than four times the limit closes its socket with 1009", async () => {
    await using server = endpoint({ channel: echoChannel(), settings: { maxFrameBytes: 1_000 } });
    const client = await RawClient.connect(server.url);
    client.sendBytes("x".repeat(4_001));
    expect(await client.closed()).toBe(1009);
  });

  test("a channel that throws or rejects is answered internal; topic and socket live on", async () => {
    let broken = true;
    await using server = endpoint({
      channel: echoChannel({
        join: () => {
          if (broken) throw new Error("join bug");
          return ok();
        },
        receive: ((push) => {
          if (push.event === "throw") throw new Error("sync bug");
          if (push.event === "reject") return Promise.reject(new Error("async bug"));
          push.reply(true, "{}");
          push.reply(false, `{"second":"reply"}`);
          return undefined;
        }) as (push: { event: string; reply(ok: boolean, response: string): void }) => void,
        left: () => {
          throw new Error("left bug");
        },
      }),
    });
    const client = await RawClient.connect(server.url);
    expect((await client.join(topic, "1")).response).toEqual({ reason: "internal" });
    broken = false;
    await client.join(topic, "2");
    client.send("2", "3", topic, "throw", {});
    client.send("2", "4", topic, "reject", {});
    client.send("2", "5", topic, "fine", {});
    expect((await client.replyTo("3")).response).toEqual({ reason: "internal" });
    expect((await client.replyTo("4")).response).toEqual({ reason: "internal" });
    expect((await client.replyTo("5")).status).toBe("ok");
    client.send("2", "6", topic, "phx_leave", {});
    expect((await client.replyTo("6")).status).toBe("ok");
    expect(client.frames.filter((frame) => frame[1] === "5").length).toBe(1);
    expect(server.seen.failures.map((line) => line.split(":")[0])).toEqual([
      "join",
      "receive",
      "receive",
      "left",
    ]);
  });

  test("a join that rejects is answered internal and may be tried again", async () => {
    let tries = 0;
    await using server = endpoint({
      channel: echoChannel({
        join: () => {
          tries += 1;
          return tries === 1 ? Promise.reject(new Error("late bug")) : ok();
        },
      }),
    });
    const client = await RawClient.connect(server.url);
    expect((await client.join(topic, "1")).response).toEqual({ reason: "internal" });
    expect((await client.join(topic, "2")).status).toBe("ok");
  });

  test("a reply after its socket is gone is dropped", async () => {
    const pushes: { reply(ok: boolean, response: string): void }[] = [];
    const left: string[] = [];
    await using server = endpoint({
      channel: echoChannel({
        receive: (push) => void pushes.push(push),
        left: (name) => void left.push(name),
      }),
    });
    const client = await RawClient.connect(server.url);
    await client.join(topic);
    client.send("1", "2", topic, "say", {});
    await eventually("the push", () => pushes.length === 1);
    client.close();
    await eventually("the socket to go", () => server.sockets.size === 0);
    pushes[0]?.reply(true, "{}");
    server.sockets.broadcast(topic, "news", "{}");
    expect(left).toEqual([topic]);
    expect(server.sockets.topicCount).toBe(0);
    expect(server.seen.failures).toEqual([]);
  });
});

describe("the server's hand", () => {
  test("a removed member hears phx_close and nothing after it; others stay", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const removed = await RawClient.connect(server.url);
    const other = await RawClient.connect(server.url);
    await removed.join(topic, "1");
    await other.join(topic, "2");
    let first = true;
    const matched = server.sockets.unsubscribeWhere(topic, () => {
      const match = first;
      first = false;
      return match;
    });
    server.sockets.broadcast(topic, "news", "{}");
    await removed.settle();
    await other.settle();
    expect(matched).toBe(1);
    expect(removed.events(topic)).toEqual(["phx_reply", "phx_close"]);
    expect(other.events(topic)).toEqual(["phx_reply", "news"]);
  });

  test("a join in flight while its member is removed is asked again", async () => {
    const joins = joinsByHand();
    await using server = endpoint({ channel: echoChannel({ join: joins.join }) });
    const client = await RawClient.connect(server.url);
    client.send("1", "1", topic, "phx_join", { since: 3 });
    await eventually("the question", () => joins.asked.length === 1);
    server.sockets.broadcast(topic, "secret", "{}");
    server.sockets.unsubscribeWhere(topic, () => true);
    expect(joins.asked.map((joining) => joining.payload)).toEqual([{ since: 3 }, { since: 3 }]);
    joins.settle(0, ok());
    joins.settle(1, { ok: false, response: `{"reason":"not_authorized"}` });
    expect(await client.replyTo("1")).toEqual({ status: "error", response: { reason: "not_authorized" } });
    await client.settle();
    expect(client.events(topic)).toEqual(["phx_reply"]);
  });

  test("sockets of one identity are closed with the given code", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const client = await RawClient.connect(server.url);
    expect(server.sockets.closeWhere((identity) => identity === "somebody", 4001, "revoked")).toBe(0);
    expect(server.sockets.closeWhere((identity) => identity === "nobody", 4001, "revoked")).toBe(1);
    expect(await client.closed()).toBe(4001);
    expect(server.sockets.size).toBe(0);
  });

  test("what a closed socket still sends is not heard", async () => {
    const heard: string[] = [];
    await using server = endpoint({
      channel: echoChannel({ receive: (push) => void heard.push(push.event) }),
    });
    const client = await RawClient.connect(server.url);
    await client.join(topic);
    for (let n = 0; n < 50; n += 1) client.send("1", String(n + 2), topic, `say-${n}`, {});
    await eventually("the first push", () => heard.length > 0);
    server.sockets.closeWhere(() => true, 4001, "revoked");
    const before = heard.length;
    client.send("1", "99", topic, "late", {});
    await client.closed();
    expect(heard.length).toBe(before);
  });

  test("a drain closes everybody with 1012, paced in batches, and refuses new sockets", async () => {
    await using server = endpoint({ channel: echoChannel() });
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(server.url)));
    const startMs = performance.now();
    const drained = server.sockets.drain({ batch: 4, pauseMs: 30, code: 1012 });
    await eventually("the first batch", () => server.sockets.size <= 6);
    const late = await fetch(`http://127.0.0.1:${server.port}/socket/websocket`, {
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });
    expect(late.status).toBe(503);
    await drained;
    expect(performance.now() - startMs).toBeGreaterThan(55);
    expect(await Promise.all(clients.map((client) => client.closed()))).toEqual(Array(10).fill(1012));
    expect(server.sockets.size).toBe(0);
  });

  test("a socket that sends nothing for 90 s is closed, whatever it is sent; a ping or a frame keeps it", async () => {
    let nowMs = 0;
    let sweeps = 0;
    const now = () => {
      sweeps += 1;
      return nowMs;
    };
    await using server = endpoint({
      channel: echoChannel(),
      settings: { sweepEveryMs: 2 },
      clock: { now },
    });
    const silent = await RawClient.connect(server.url);
    const pinging = await RawClient.connect(server.url);
    const talking = await RawClient.connect(server.url);
    await silent.join(topic);
    for (let step = 0; step < 10 && silent.closeCode === undefined; step += 1) {
      pinging.ping();
      await talking.settle();
      nowMs += 20_000;
      server.sockets.broadcast(topic, "news", "{}");
      const before = sweeps;
      await eventually("a whole sweep", () => sweeps >= before + 2);
    }
    expect(await silent.closed()).toBe(1001);
    expect(nowMs).toBeGreaterThanOrEqual(90_000);
    expect([pinging.closeCode, talking.closeCode]).toEqual([undefined, undefined]);
    pinging.close();
    talking.close();
  });
});
