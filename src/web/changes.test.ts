import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
let clock: VirtualClock;
let group: string;
let ids: string[];
beforeEach(async () => {
  clock = new VirtualClock();
  web = new Fixture({ clock });
  group = await web.groupOf(anna, [ben]);
  ids = [];
  for (const content of ["one", "two", "three"]) ids.push(await web.sent(anna, group, content));
});
afterEach(() => web.stop());

const changes = (query: string, as = ben, id = group) =>
  web.ask(as, "GET", `/conversations/${id}/changes${query}`);

describe("the changes since a revision", () => {
  test("are the messages and members that changed, with everybody's marks and where the next page starts", async () => {
    await web.ask(anna, "PUT", `/messages/${ids[0]}`, { content: "ONE", conversation_id: group });
    await web.ask(anna, "DELETE", `/messages/${ids[1]}?conversation_id=${group}`);
    await web.ask(anna, "POST", `/conversations/${group}/members`, { user_id: carl });
    // Who sends has read; marks of one member are stored once a second.
    await clock.runFor(1_000);
    expect(await changes("?since=3")).toMatchObject({
      status: 200,
      body: {
        data: {
          messages: [
            { id: ids[0], seq: 1, rev: 4, content: "ONE", status: "sent" },
            { id: ids[1], seq: 2, rev: 5, content: "", is_deleted: true, status: "sent" },
          ],
          members: [{ user_id: carl, role: "member", rev: 6, is_active: true, left_at: null }],
        },
        meta: {
          next_since: 6,
          head_rev: 6,
          has_more: false,
          marks: [
            { user_id: anna, delivered_seq: 3, read_seq: 3 },
            { user_id: ben, delivered_seq: 0, read_seq: 0 },
            { user_id: carl, delivered_seq: 3, read_seq: 3 },
          ],
          generation: 1,
        },
      },
    });
  });

  test("come page by page", async () => {
    const first = await changes("?since=0&limit=2");
    expect(first.body).toMatchObject({
      data: { messages: [{ seq: 1 }, { seq: 2 }] },
      meta: { next_since: 2, head_rev: 3, has_more: true },
    });
    const second = await changes("?since=2&limit=2&generation=1");
    expect(second.body).toMatchObject({
      data: { messages: [{ seq: 3 }], members: [] },
      meta: { next_since: 3, has_more: false },
    });
    expect((await changes("")).body).toMatchObject({ meta: { next_since: 3, has_more: false } });
  });

  test("cannot be told from beyond the head, from another history or from before a membership", async () => {
    expect(await changes("?since=4")).toMatchObject(refused(410, "cursor_expired"));
    web.model.beginGeneration();
    await web.sent(anna, group, "four");
    expect(await changes("?since=4&generation=1")).toMatchObject(refused(410, "cursor_expired"));
    expect((await changes("?since=3&generation=1")).status).toBe(200);
    await web.ask(anna, "POST", `/conversations/${group}/members`, { user_id: carl });
    expect(await changes("?since=4&generation=2", carl)).toMatchObject(refused(410, "cursor_expired"));
    expect((await changes("?since=0", carl)).body).toMatchObject({ data: { messages: [] } });
  });

  test.each([
    ["?since=-1", "since"],
    ["?since=x", "since"],
    ["?since=", "since"],
    ["?limit=0", "limit"],
    ["?generation=x", "generation"],
  ])("with %s are refused because of %s", async (query, field) => {
    expect(await changes(query)).toMatchObject(refused(422, "invalid_payload", field));
  });

  test("are not told to strangers, whether the conversation exists or not", async () => {
    const answers = [];
    for (const id of [group, nowhere, "x"]) answers.push(await changes("?since=0", carl, id));
    expect(answers[0]).toMatchObject(refused(404, "not_found"));
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
  });
});
