import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { VirtualClock } from "../../testing/clock.ts";
import { Fixture } from "../../testing/web/fixture.ts";
import { tokenOf } from "../../testing/web/open-tokens.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
beforeEach(() => {
  web = new Fixture({ clock: new VirtualClock() });
});
afterEach(() => web.stop());

// biome-ignore lint/suspicious/noExplicitAny: the bodies of answers are what these tests look at
async function bodyOf(response: Response): Promise<any> {
  return response.json();
}

/** `[status, error]` of an answer. */
async function refusalOf(response: Response | Promise<Response>): Promise<[number, string]> {
  const answered = await response;
  return [answered.status, (await bodyOf(answered)).error];
}

const create = (as: string, body: unknown, prefix = "/api/v1") =>
  web.fetch("POST", `${prefix}/conversations`, { as, body });

describe("creating a direct conversation", () => {
  test("answers 201 once and 200 with the same conversation afterwards, whoever asks, at both prefixes", async () => {
    const first = await create(anna, { type: "direct", other_user_id: ben });
    const again = await create(
      ben,
      { type: "direct", other_user_id: anna.toUpperCase() },
      "/messaging/api/v1",
    );
    expect([first.status, again.status]).toEqual([201, 200]);
    const { data } = await bodyOf(first);
    expect((await bodyOf(again)).data.id).toBe(data.id);
    expect(data).toMatchObject({
      type: "direct",
      name: null,
      member_user_ids: [anna, ben],
      last_message: null,
      unread_count: 0,
      head_seq: 0,
    });
    expect(data.members[0]).toEqual({
      user_id: anna,
      role: "owner",
      joined_at: data.created_at,
      is_active: true,
    });
  });

  test("accepts the pair as user_ids when the creator is one of the two", async () => {
    const made = await create(anna, { type: "direct", user_ids: [anna, ben] });
    expect(made.status).toBe(201);
    const same = await create(anna, { type: "direct", user_ids: [ben, anna], name: null });
    expect(same.status).toBe(200);
  });

  test.each([
    [{ type: "direct", user_ids: [ben, carl] }, "user_ids"],
    [{ type: "direct", user_ids: [anna, anna] }, "user_ids"],
    [{ type: "direct", user_ids: [anna, "me"] }, "user_ids"],
    [{ type: "direct", user_ids: [anna, ben, carl] }, "user_ids"],
    [{ type: "direct", user_ids: [anna, ben], other_user_id: ben }, "user_ids"],
    [{ type: "direct", other_user_id: anna }, "other_user_id"],
    [{ type: "direct", other_user_id: "ben" }, "other_user_id"],
    [{ type: "direct" }, "other_user_id"],
    [{ type: "channel", other_user_id: ben }, "type"],
    [{ type: "direct", other_user_id: ben, name: "we two" }, "name"],
    [{ type: "direct", other_user_id: ben, metadata: {} }, "metadata"],
    [{ other_user_id: ben }, "type"],
  ])("refuses %j because of %s", async (body, field) => {
    const response = await create(anna, body);
    expect(response.status).toBe(422);
    const { error, details } = await bodyOf(response);
    expect(error).toBe("invalid_payload");
    expect(Object.keys(details)).toContain(field);
  });
});

describe("sending", () => {
  let path: string;
  let conversationId: string;
  beforeEach(async () => {
    conversationId = await web.conversationOf(anna, ben);
    path = `/api/v1/conversations/${conversationId}/messages`;
  });
  const send = (body: unknown, as = anna) => web.fetch("POST", path, { as, body });

  test("answers 201 with the message as everybody will see it", async () => {
    const response = await send({ content: "hello", message_type: "text", client_random: 4_000_000_000 });
    expect(response.status).toBe(201);
    expect((await bodyOf(response)).data).toMatchObject({
      conversation_id: conversationId,
      seq: 1,
      rev: 1,
      sender_id: anna,
      message_type: "text",
      content: "hello",
      metadata: {},
      client_random: 4_000_000_000,
      sent_at: "2026-01-01T00:00:00.000000Z",
      reply_to_id: null,
      is_deleted: false,
      status: "sent",
    });
  });

  test("is the same command at /messages, where the body names the conversation, at both prefixes", async () => {
    for (const prefix of ["/api/v1", "/messaging/api/v1"]) {
      const body = { content: "hello", conversation_id: conversationId.toUpperCase() };
      const response = await web.fetch("POST", `${prefix}/messages`, { as: ben, body });
      expect(response.status).toBe(201);
    }
    expect(
      await refusalOf(web.fetch("POST", "/api/v1/messages", { as: ben, body: { content: "x" } })),
    ).toEqual([422, "invalid_payload"]);
  });

  test("a second time with the same client_random answers 200 with the first message and says whether it differs", async () => {
    const first = await bodyOf(await send({ content: "one", client_random: 7 }));
    const again = await send({ content: "one", client_random: "7" });
    expect(again.status).toBe(200);
    expect(await bodyOf(again)).toEqual({ data: first.data, meta: { duplicate: true, differs: false } });
    const other = await bodyOf(await send({ content: "two", client_random: 7 }));
    expect(other).toEqual({ data: first.data, meta: { duplicate: true, differs: true } });
  });

  test("never believes a body about its sender", async () => {
    const response = await send({ content: "it was ben", sender_id: ben, user_id: ben });
    expect((await bodyOf(response)).data.sender_id).toBe(anna);
  });

  test("is refused for strangers and for conversations that do not exist or are no ids, all alike", async () => {
    const body = { content: "x" };
    const answers = await Promise.all(
      [path, `/api/v1/conversations/${nowhere}/messages`, "/api/v1/conversations/x/messages"].map(
        async (at) => {
          const response = await web.fetch("POST", at, { as: carl, body });
          return [response.status, await response.text()];
        },
      ),
    );
    expect(answers[0]![0]).toBe(404);
    expect(new Set(answers.map(String)).size).toBe(1);
  });

  test("refuses a body that names another conversation than the path", async () => {
    expect(await refusalOf(send({ content: "x", conversation_id: nowhere }))).toEqual([
      422,
      "invalid_payload",
    ]);
  });

  test.each(["", "{bad", "[1", '"text"', "null", "[]", "7", new Uint8Array([0x7b, 0xff, 0x7d])])(
    "refuses the body %p as invalid_payload",
    async (body) => {
      expect(await refusalOf(web.fetch("POST", path, { as: anna, body }))).toEqual([422, "invalid_payload"]);
    },
  );

  test("refuses a body over the bound with 413, whether it announces its length or not", async () => {
    const large = new Uint8Array(600 * 1024).fill(0x20);
    expect(await refusalOf(web.fetch("POST", path, { as: anna, body: large }))).toEqual([
      413,
      "payload_too_large",
    ]);
    const stream = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < large.length; sent += 65_536) {
          controller.enqueue(large.subarray(sent, sent + 65_536));
        }
        controller.close();
      },
    });
    const headers = { authorization: `Bearer ${tokenOf({ userId: anna })}` };
    const chunked = fetch(web.url + path, { method: "POST", headers, body: stream });
    expect(await refusalOf(chunked)).toEqual([413, "payload_too_large"]);
  });

  test("tells a refusal of the engine with its status, its details and when to try again", async () => {
    await web.stop();
    web = new Fixture({ clock: new VirtualClock(), maxTurns: 0 });
    const response = await send({ content: "x" });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await bodyOf(response)).toEqual({
      error: "overloaded",
      message: expect.any(String),
      retry_after_ms: 1_000,
    });
  });
});

describe("listing and showing", () => {
  test("a list holds the newest message and the members, and pages by limit and offset", async () => {
    const first = await web.conversationOf(anna, ben);
    const second = await web.conversationOf(anna, carl);
    await web.fetch("POST", `/api/v1/conversations/${first}/messages`, { as: ben, body: { content: "hi" } });
    const whole = await bodyOf(await web.fetch("GET", "/api/v1/conversations", { as: anna }));
    expect(whole.meta).toEqual({ count: 2, limit: 50, offset: 0, has_more: false });
    expect(whole.data.map((each: { id: string }) => each.id)).toEqual([second, first]);
    expect(whole.data[1]).toMatchObject({
      last_message: { content: "hi" },
      member_user_ids: [anna, ben],
      head_seq: 1,
    });
    expect(whole.data[1].updated_at).toBe(whole.data[1].last_message.sent_at);
    const page = await bodyOf(
      await web.fetch("GET", "/messaging/api/v1/conversations?limit=1&offset=0&include_archived=true", {
        as: anna,
      }),
    );
    expect(page.meta).toEqual({ count: 1, limit: 1, offset: 0, has_more: true });
  });

  test("a conversation is shown to its members, by an id in any case, and to nobody else", async () => {
    const id = await web.conversationOf(anna, ben);
    const shown = await web.fetch("GET", `/api/v1/conversations/${id.toUpperCase()}`, { as: ben });
    expect((await bodyOf(shown)).data).toMatchObject({ id, member_count: 2, is_active: true });
    const ids = [id, nowhere, "x", "%E0%A4%A"];
    const answers = ids.map(async (each) =>
      (await web.fetch("GET", `/api/v1/conversations/${each}`, { as: carl })).text(),
    );
    expect(new Set(await Promise.all(answers)).size).toBe(1);
  });

  test.each([
    "limit=0",
    "limit=-5",
    "limit=abc",
    "limit=1.5",
    "limit=",
    "limit=1e1",
    "offset=-1",
    "offset=x",
  ])("a list with %s is refused", async (query) => {
    expect(await refusalOf(web.fetch("GET", `/api/v1/conversations?${query}`, { as: anna }))).toEqual([
      422,
      "invalid_payload",
    ]);
  });
});

describe("history", () => {
  let path: string;
  let conversationId: string;
  beforeEach(async () => {
    conversationId = await web.conversationOf(anna, ben);
    path = `/api/v1/conversations/${conversationId}/messages`;
    for (const content of ["one", "two", "three"])
      await web.fetch("POST", path, { as: anna, body: { content } });
  });
  const read = (query: string) => web.fetch("GET", path + query, { as: ben });

  test("comes newest first with what its page is", async () => {
    const { data, meta } = await bodyOf(await read("?limit=2"));
    expect(data.map((each: { content: string }) => each.content)).toEqual(["three", "two"]);
    expect(meta).toEqual({ count: 2, total: 3, conversation_id: conversationId, has_more: true });
    const rest = await bodyOf(await read("?before=2"));
    expect(rest.data.map((each: { seq: number }) => each.seq)).toEqual([1]);
    expect(rest.meta).toMatchObject({ count: 1, total: 3, has_more: false });
    const detail = await bodyOf(
      await web.fetch("GET", `/api/v1/conversations/${conversationId}`, { as: ben }),
    );
    expect(detail.data.message_count).toBe(3);
  });

  test("reads each cursor as a seq, an id or an instant", async () => {
    const reads = spyOn(web.store.viewerReads, "readHistory");
    await read("");
    await read("?before=17");
    await read(`?after=${nowhere.toUpperCase()}`);
    await read("?before=2026-11-18T11:06:40.000123Z&limit=1000");
    expect(reads.mock.calls.map(([{ before, after, limit }]) => [before, after, limit])).toEqual([
      [null, null, 50],
      [{ by: "seq", seq: 17 }, null, 50],
      [null, { by: "id", id: nowhere }, 50],
      [{ by: "time", timeUs: 1_795_000_000_000_123 }, null, 100],
    ]);
  });

  test.each([
    "before=x",
    "before=",
    "after=-1",
    "before=2026-13-45T00:00:00Z",
    "before=1&after=2",
    "limit=0",
    "search=x",
  ])("with %s is refused", async (query) => {
    expect(await refusalOf(read(`?${query}`))).toEqual([422, "invalid_payload"]);
  });

  test("is not told to strangers", async () => {
    expect(await refusalOf(web.fetch("GET", path, { as: carl }))).toEqual([404, "not_found"]);
  });
});

describe("who asks", () => {
  test.each([
    [{}, 401, "unauthorized"],
    [{ authorization: "Bearer not json" }, 401, "unauthorized"],
    [{ authorization: "Basic YTpi" }, 401, "unauthorized"],
    [{ "x-user-id": anna }, 401, "unauthorized"],
    [{ authorization: "Bearer keys-are-away" }, 503, "unavailable"],
  ])("%j is answered %i", async (headers, status, error) => {
    const response = await web.fetch("GET", "/api/v1/conversations", { headers });
    expect(await refusalOf(response)).toEqual([status, error]);
    expect(response.headers.get(status === 401 ? "www-authenticate" : "retry-after")).not.toBeNull();
  });

  test("a revoked token is answered 401", async () => {
    web.revoked.add(anna);
    expect(await refusalOf(web.fetch("GET", "/api/v1/conversations", { as: anna }))).toEqual([
      401,
      "unauthorized",
    ]);
  });
});

describe("routing", () => {
  test("an unknown path is 404 and a wrong method 405 with the ones allowed, in our envelope", async () => {
    expect(await refusalOf(web.fetch("GET", "/api/v1/nothing", { as: anna }))).toEqual([404, "not_found"]);
    expect(await refusalOf(web.fetch("POST", "/"))).toEqual([404, "not_found"]);
    const wrong = await web.fetch("DELETE", "/messaging/api/v1/conversations", { as: anna });
    expect(wrong.headers.get("allow")).toBe("GET, POST");
    expect(await refusalOf(wrong)).toEqual([405, "method_not_allowed"]);
  });

  test("works for hosts with short names", async () => {
    const headers = { host: "ws" };
    const response = await web.fetch("GET", "/messaging/api/v1/conversations", { as: anna, headers });
    expect(response.status).toBe(200);
  });

  test("a bug is answered without its text and reported with it, under one request id", async () => {
    const fail = () => Promise.reject(new Error("secret db password"));
    Object.assign(web.store.viewerReads, { listConversations: fail, showConversation: fail });
    const reads = ["/api/v1/conversations", `/api/v1/conversations/${nowhere}`];
    for (const path of reads) {
      const response = await web.fetch("GET", path, { as: anna });
      const text = await response.text();
      expect(response.status).toBe(500);
      expect(text).not.toContain("secret");
      const { error, details } = JSON.parse(text);
      expect(error).toBe("internal");
      expect(web.bugs.at(-1)!.where).toContain(details.request_id);
    }
    web.store.creation.createDirect = fail;
    const body = { type: "direct", other_user_id: ben };
    const sent = await web.fetch("POST", "/api/v1/conversations", { as: anna, body });
    expect(await refusalOf(sent)).toEqual([500, "internal"]);
    expect(web.bugs).toHaveLength(3);
  });
});

describe("beside the API", () => {
  test("the probes answer with and without the prefix, alive even while not ready", async () => {
    for (const prefix of ["", "/messaging"]) {
      const paths = ["/live", "/api/v1/health/live", "/api/v1/health?type=live", "/health/live"];
      for (const path of paths) expect((await web.fetch("GET", prefix + path)).status).toBe(200);
    }
    const reason = "another process owns the database";
    web.checks = { database: { status: "ok" }, ownership: { status: "unavailable", reason } };
    expect((await web.fetch("GET", "/live")).status).toBe(200);
    for (const path of [
      "/ready",
      "/messaging/ready",
      "/messaging/api/v1/health/ready",
      "/api/v1/health?type=ready",
      "/health",
    ]) {
      const response = await web.fetch("GET", path);
      expect(response.status).toBe(503);
      expect(await bodyOf(response)).toEqual({
        status: "unavailable",
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        reason,
        checks: {
          database: { status: "ok" },
          ownership: { status: "unavailable", reason },
          descriptors: { status: "ok" },
        },
      });
    }
    expect((await web.fetch("HEAD", "/ready")).status).toBe(503);
  });

  test("what the application publishes itself is served", async () => {
    expect(await bodyOf(await web.fetch("GET", "/.well-known/jwks.json"))).toEqual({ keys: [] });
  });

  test("any web page may call when origins are open, without credentials", async () => {
    const preflight = await web.fetch("OPTIONS", "/api/v1/conversations", {
      headers: { origin: "https://a.example" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    expect(preflight.headers.get("access-control-allow-headers")).toBe(
      "authorization, content-type, accept, idempotency-key",
    );
    expect(preflight.headers.get("access-control-max-age")).toBe("86400");
    const refused = await web.fetch("GET", "/api/v1/conversations");
    expect(refused.headers.get("access-control-allow-origin")).toBe("*");
  });
});

test("only web pages of listed origins may call when origins are listed", async () => {
  const listed = new Fixture({
    clock: new VirtualClock(),
    settings: { corsOrigins: ["https://a.example"] },
  });
  const allowed = async (origin: string) => {
    const answers = [
      await listed.fetch("OPTIONS", "/messaging/api/v1/messages", { headers: { origin } }),
      await listed.fetch("GET", "/nothing", { headers: { origin } }),
    ];
    return answers.map((answer) => answer.headers.get("access-control-allow-origin"));
  };
  expect(await allowed("https://a.example")).toEqual(["https://a.example", "https://a.example"]);
  expect(await allowed("https://b.example")).toEqual([null, null]);
  await listed.stop();
});
