import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const dora = "0192a7c0-0000-7000-8000-00000000000d";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
beforeEach(() => {
  web = new Fixture({ clock: new VirtualClock() });
});
afterEach(() => web.stop());

const joinedAt = "2026-01-01T00:00:00.000000Z";

describe("creating a group", () => {
  const create = (body: object) => web.ask(anna, "POST", "/conversations", { type: "group", ...body });

  test("answers 201 with the group, which its creator owns and which has its name", async () => {
    const user_ids = [anna, ben, ben.toUpperCase(), carl];
    const created = await create({ name: "hikers", user_ids, metadata: { name: "other", color: 7 } });
    expect(created).toMatchObject({
      status: 201,
      body: {
        data: {
          type: "group",
          name: "hikers",
          metadata: { name: "hikers", color: 7 },
          member_user_ids: [anna, ben, carl],
          member_count: 3,
          unread_count: 0,
          last_message: null,
          members: [
            { user_id: anna, role: "owner", joined_at: joinedAt, is_active: true },
            { user_id: ben, role: "member", joined_at: joinedAt, is_active: true },
            { user_id: carl, role: "member", joined_at: joinedAt, is_active: true },
          ],
        },
      },
    });
  });

  test("takes the name of its metadata when none stands beside it, and a name of 100 characters of any length in bytes", async () => {
    const named = await create({ user_ids: [ben], metadata: { name: "hikers" } });
    expect(named).toMatchObject({ status: 201, body: { data: { name: "hikers" } } });
    const name = "😀".repeat(100);
    expect(await create({ user_ids: [ben], name })).toMatchObject({ status: 201, body: { data: { name } } });
  });

  test.each([
    [{ user_ids: [ben] }, "name"],
    [{ user_ids: [ben], name: "" }, "name"],
    [{ user_ids: [ben], name: "x".repeat(101) }, "name"],
    [{ user_ids: [ben], name: 7 }, "name"],
    [{ user_ids: [ben], name: "\ud800" }, "name"],
    [{ user_ids: [ben], name: "   " }, "name"],
    [{ user_ids: [ben], name: "\u200b" }, "name"],
    [{ user_ids: [ben], metadata: { name: "\u2800\u3164" } }, "name"],
    [{ user_ids: [ben], name: "abc\u202efed" }, "name"],
    [{ user_ids: [ben], name: "two\nlines" }, "name"],
    [{ user_ids: [ben], metadata: { name: 7 } }, "name"],
    [{ user_ids: [ben], name: "x", metadata: [] }, "metadata"],
    [{ user_ids: [ben], name: "x", metadata: { a: "x".repeat(16_384) } }, "metadata"],
    [{ user_ids: [ben], name: "x", metadata: { s: "\udc00" } }, "metadata"],
    [{ name: "x" }, "user_ids"],
    [{ name: "x", user_ids: [] }, "user_ids"],
    [{ name: "x", user_ids: [anna] }, "user_ids"],
    [{ name: "x", user_ids: ["ben"] }, "user_ids"],
    [{ name: "x", user_ids: ben }, "user_ids"],
    [{ name: "x", user_ids: [ben], external_group_id: nowhere }, "external_group_id"],
    [{ name: "x", user_ids: [ben], metadata: { group_settings: 7 } }, "metadata.group_settings"],
    [
      { name: "x", user_ids: [ben], metadata: { group_settings: { media_permission: "nobody" } } },
      "metadata.group_settings.media_permission",
    ],
  ])("refuses %j because of %s", async (body, field) => {
    expect(await create(body)).toMatchObject(refused(422, "invalid_payload", field));
  });
});

test("more ids than a group may have members are refused before any of them is looked up, whoever asks", async () => {
  const id = await web.groupOf(anna, [ben]);
  const ids = (count: number) =>
    Array.from({ length: count }, (_, n) => `0192a7c0-0000-7000-8000-${String(n).padStart(12, "0")}`);
  const add = (user_ids: readonly string[]) =>
    web.ask(ben, "POST", `/conversations/${id}/members`, { user_ids });
  expect(await add(ids(1_001))).toMatchObject(refused(422, "invalid_payload", "user_ids"));
  expect(await add(ids(1_000))).toMatchObject(refused(403, "forbidden"));
  const user_ids = ids(2_001);
  const created = await web.ask(anna, "POST", "/conversations", { type: "group", name: "all", user_ids });
  expect(created).toMatchObject(refused(422, "invalid_payload", "user_ids"));
});

describe("members", () => {
  let group: string;
  let members: string;
  beforeEach(async () => {
    group = await web.groupOf(anna, [ben]);
    members = `/conversations/${group}/members`;
  });

  test("are told to members, with their roles", async () => {
    const offline = { is_online: false, last_seen_at: null };
    expect(await web.ask(ben, "GET", members)).toEqual({
      status: 200,
      body: {
        data: [
          { user_id: anna, role: "owner", joined_at: joinedAt, is_active: true, ...offline },
          { user_id: ben, role: "member", joined_at: joinedAt, is_active: true, ...offline },
        ],
        meta: { conversation_id: group, count: 2 },
      },
    });
  });

  test("are added one by one or several at once, and see the messages from then on", async () => {
    await web.sent(anna, group, "before");
    const one = await web.ask(anna, "POST", members, { user_id: carl.toUpperCase() });
    expect(one).toEqual({
      status: 201,
      body: { data: { user_id: carl, role: "member", joined_at: joinedAt, is_active: true }, meta: {} },
    });
    const several = await web.ask(anna, "POST", members, { user_ids: [dora, nowhere, dora] });
    expect(several).toMatchObject({
      status: 201,
      body: { data: [{ user_id: dora }, { user_id: nowhere }] },
    });
    await web.sent(anna, group, "after");
    const shown = await web.ask(carl, "GET", `/conversations/${group}`);
    expect(shown).toMatchObject({
      status: 200,
      body: { data: { unread_count: 1, last_message: { content: "after", status: "sent" } } },
    });
    const history = await web.ask(carl, "GET", `/conversations/${group}/messages`);
    expect(history.body).toMatchObject({ data: [{ content: "after" }] });
  });

  test.each([
    [{}, "user_id"],
    [{ user_id: null }, "user_id"],
    [{ user_id: "carl" }, "user_id"],
    [{ user_ids: [] }, "user_ids"],
    [{ user_ids: [carl, 7] }, "user_ids"],
    [{ user_id: carl, user_ids: [carl] }, "user_ids"],
  ])("are not added by %j, because of %s", async (body, field) => {
    expect(await web.ask(anna, "POST", members, body)).toMatchObject(refused(422, "invalid_payload", field));
  });

  test("are not added twice", async () => {
    const again = await web.ask(anna, "POST", members, { user_ids: [ben, carl] });
    expect(again).toMatchObject(refused(409, "conflict", "user_ids"));
  });

  test("are removed by whoever ranks above them, and hear nothing from then on", async () => {
    const wire = await web.socketOf(ben);
    await wire.join(`conversation:${group}`);
    const response = await web.fetch("DELETE", `/api/v1${members}/${ben.toUpperCase()}`, { as: anna });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(await web.ask(ben, "GET", `/conversations/${group}`)).toMatchObject(refused(404, "not_found"));
    await web.sent(anna, group, "without ben");
    // Frames keep their order: what was told before this reply has arrived with it.
    await wire.push("phoenix", "heartbeat", "{}");
    const told = JSON.stringify(await wire.broadcasts(`conversation:${group}`, 0));
    expect(told).not.toContain("without ben");
  });

  test("leave; when the owner does, the longest-standing member of the highest role owns the group", async () => {
    await web.ask(anna, "POST", members, { user_id: carl });
    await web.ask(anna, "POST", members, { user_id: dora });
    await web.ask(anna, "PATCH", `${members}/${dora}/role`, { role: "moderator" });
    const left = await web.ask(anna, "POST", `/conversations/${group}/leave`);
    expect(left).toEqual({
      status: 200,
      body: {
        data: { left: true, auto_promoted_user_id: dora, conversation_deactivated: false },
        meta: {},
      },
    });
    expect((await web.ask(ben, "GET", members)).body).toMatchObject({
      data: [
        { user_id: ben, role: "member" },
        { user_id: carl, role: "member" },
        { user_id: dora, role: "owner" },
      ],
    });
    const next = await web.ask(carl, "POST", `/conversations/${group}/leave`);
    expect(next.body).toMatchObject({ data: { auto_promoted_user_id: null } });
    await web.ask(dora, "POST", `/conversations/${group}/leave`);
    expect((await web.ask(ben, "GET", members)).body).toMatchObject({
      data: [{ user_id: ben, role: "owner" }],
    });
  });

  test("who is the last one to leave ends the group", async () => {
    await web.ask(ben, "POST", `/conversations/${group}/leave`);
    const wire = await web.socketOf(anna);
    await wire.join(`user:${anna}`);
    const left = await web.ask(anna, "POST", `/conversations/${group}/leave`);
    expect(left.body).toMatchObject({
      data: { auto_promoted_user_id: null, conversation_deactivated: true },
    });
    expect(await web.ask(anna, "GET", `/conversations/${group}`)).toMatchObject(refused(404, "not_found"));
    expect((await web.ask(anna, "GET", "/conversations")).body).toMatchObject({ data: [] });
    expect(await wire.join(`conversation:${group}`)).toMatchObject({
      status: "error",
      response: { reason: "not_authorized" },
    });
    expect(web.bugs).toEqual([]);
  });

  test("without the right are told that they have none", async () => {
    const forbidden = refused(403, "forbidden");
    expect(await web.ask(ben, "POST", members, { user_id: carl })).toMatchObject(forbidden);
    expect(await web.ask(ben, "DELETE", `${members}/${anna}`)).toMatchObject(forbidden);
    expect(await web.ask(ben, "DELETE", `${members}/nobody`)).toMatchObject(forbidden);
  });

  test("who are none cannot be removed, and nobody removes himself", async () => {
    const answers = [];
    for (const each of [carl, nowhere, "nobody", "%E0%A4%A"]) {
      answers.push(await web.ask(anna, "DELETE", `${members}/${each}`));
    }
    expect(answers[0]).toMatchObject(refused(404, "not_found"));
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(await web.ask(anna, "DELETE", `${members}/${anna}`)).toMatchObject(refused(409, "conflict"));
  });

  test("of a direct conversation are its two for good", async () => {
    const direct = `/conversations/${await web.conversationOf(anna, ben)}`;
    for (const answer of [
      await web.ask(anna, "POST", `${direct}/members`, { user_id: carl }),
      await web.ask(anna, "DELETE", `${direct}/members/${ben}`),
      await web.ask(anna, "POST", `${direct}/leave`),
    ]) {
      expect(answer).toMatchObject(refused(409, "conflict"));
    }
  });

  test("are a stranger's business nowhere: every operation answers him as if there were nothing", async () => {
    const answers = [];
    for (const id of [group, nowhere, "x"]) {
      answers.push(
        await web.ask(carl, "GET", `/conversations/${id}/members`),
        await web.ask(carl, "POST", `/conversations/${id}/members`, { user_id: dora }),
        await web.ask(carl, "DELETE", `/conversations/${id}/members/${ben}`),
        await web.ask(carl, "POST", `/conversations/${id}/leave`),
        await web.ask(carl, "PATCH", `/conversations/${id}/members/${ben}/role`, { role: "admin" }),
      );
    }
    expect(answers[0]).toMatchObject(refused(404, "not_found"));
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
  });

  test("hear of each change by its revision, and who did it", async () => {
    const wire = await web.socketOf(ben);
    await wire.join(`conversation:${group}`);
    await web.ask(anna, "POST", members, { user_id: carl });
    await web.ask(carl, "POST", `/conversations/${group}/leave`);
    const common = { conversation_id: group, user_id: carl, role: "member" };
    expect(await wire.broadcasts(`conversation:${group}`, 2)).toMatchObject([
      {
        ...common,
        rev: 1,
        event: "member_added",
        actor_id: anna,
        member: { user_id: carl, is_active: true },
      },
      {
        ...common,
        rev: 2,
        event: "member_left",
        actor_id: carl,
        member: { user_id: carl, is_active: false },
      },
    ]);
  });
});

describe("roles", () => {
  let group: string;
  beforeEach(async () => {
    group = await web.groupOf(anna, [ben, carl]);
  });
  const give = (as: string, userId: string, role: unknown) =>
    web.ask(as, "PATCH", `/conversations/${group}/members/${userId}/role`, { role });

  test("are given by whoever administrates; the answer is the member as he is then, also when nothing changed", async () => {
    const data = { user_id: ben, role: "moderator", joined_at: joinedAt, is_active: true };
    const answer = { status: 200, body: { data, meta: {} } };
    expect(await give(anna, ben.toUpperCase(), "moderator")).toEqual(answer);
    expect(await give(anna, ben, "moderator")).toEqual(answer);
    expect((await web.ask(carl, "GET", `/conversations/${group}/members`)).body).toMatchObject({
      data: [{ role: "owner" }, data, { role: "member" }],
    });
  });

  test.each([["boss"], ["Owner"], [null], [7], [undefined]])("%p cannot be given", async (role) => {
    expect(await give(anna, ben, role)).toMatchObject(refused(422, "invalid_payload", "role"));
  });

  test("are refused to whoever may not give them, and of whom is no member", async () => {
    expect(await give(ben, carl, "admin")).toMatchObject(refused(403, "forbidden"));
    await give(anna, ben, "admin");
    expect(await give(ben, anna, "member")).toMatchObject(refused(403, "forbidden"));
    expect(await give(anna, dora, "admin")).toMatchObject(refused(404, "not_found"));
    expect(await give(anna, "nobody", "admin")).toMatchObject(refused(404, "not_found"));
  });

  test("the owner's is kept until they hand the group over, which answers with both members", async () => {
    expect(await give(anna, anna, "member")).toMatchObject(refused(409, "conflict"));
    expect(await give(anna, anna, "owner")).toMatchObject(refused(409, "conflict"));
    expect(await give(ben, ben, "owner")).toMatchObject(refused(403, "forbidden"));
    expect(await give(anna, dora, "owner")).toMatchObject(refused(404, "not_found"));
    await give(anna, ben, "admin");
    expect(await give(ben, carl, "owner")).toMatchObject(refused(403, "forbidden"));
    const member = { joined_at: joinedAt, is_active: true };
    expect(await give(anna, carl, "owner")).toEqual({
      status: 200,
      body: {
        data: { user_id: carl, role: "owner", ...member },
        meta: { also_changed: [{ user_id: anna, role: "admin", ...member }] },
      },
    });
    expect(await give(anna, carl, "owner")).toEqual({
      status: 200,
      body: { data: { user_id: carl, role: "owner", ...member }, meta: {} },
    });
    expect(await give(anna, anna, "member")).toMatchObject({
      status: 200,
      body: { data: { role: "member" } },
    });
    expect(await give(anna, ben, "owner")).toMatchObject(refused(403, "forbidden"));
  });

  test("of both who change with a hand-over are heard of by every member in one revision, on every topic, and are in its difference", async () => {
    const wire = await web.socketOf(ben);
    await wire.join(`conversation:${group}`);
    await wire.join(`user:${ben}`);
    const { body } = await web.ask(ben, "GET", `/conversations/${group}/changes?since=0`);
    expect(body).toMatchObject({ meta: { head_rev: 0 } });
    await give(anna, carl, "owner");
    const heard = [
      { rev: 1, event: "member_role_updated", user_id: carl, actor_id: anna, role: "owner" },
      { rev: 1, event: "member_role_updated", user_id: anna, actor_id: anna, role: "admin" },
    ];
    expect(await wire.broadcasts(`conversation:${group}`, 2)).toMatchObject(heard);
    const own = await wire.broadcasts(`user:${ben}`, 3);
    expect(own.slice(-2)).toMatchObject(heard);
    await web.sent(anna, group, "done");
    const since = await web.ask(ben, "GET", `/conversations/${group}/changes?since=1`);
    expect(since.body).toMatchObject({ data: { members: [] } });
    const whole = await web.ask(ben, "GET", `/conversations/${group}/changes?since=0`);
    const members = (whole.body as { data: { members: { user_id: string; rev: number }[] } }).data.members;
    const changed = members.filter(({ rev }) => rev === 1).map(({ user_id }) => user_id);
    expect(changed.sort()).toEqual([anna, carl]);
  });

  test("are heard of by every member", async () => {
    const wire = await web.socketOf(carl);
    await wire.join(`conversation:${group}`);
    await give(anna, ben, "admin");
    expect(await wire.broadcasts(`conversation:${group}`, 1)).toMatchObject([
      {
        rev: 1,
        event: "member_role_updated",
        user_id: ben,
        actor_id: anna,
        role: "admin",
        member: { role: "admin", is_active: true },
      },
    ]);
  });
});

describe("what a conversation is called, and whatever else its metadata holds", () => {
  let group: string;
  beforeEach(async () => {
    const body = { type: "group", name: "hikers", user_ids: [ben], metadata: { color: 7 } };
    const created = await web.ask(anna, "POST", "/conversations", body);
    group = (created.body as { data: { id: string } }).data.id;
  });
  const put = (as: string, body: unknown, id = group) => web.ask(as, "PUT", `/conversations/${id}`, body);

  test("is changed by owners and admins, one name at a time; the answer is the conversation", async () => {
    expect(await put(anna, { name: "climbers", metadata: { description: "up" } })).toMatchObject({
      status: 200,
      body: {
        data: {
          id: group,
          name: "climbers",
          metadata: { name: "climbers", color: 7, description: "up" },
          head_rev: 1,
          members: [{ user_id: anna }, { user_id: ben }],
        },
      },
    });
    expect(await put(ben, { name: "mine" })).toMatchObject(refused(403, "forbidden"));
    expect(await put(carl, { name: "mine" })).toMatchObject(refused(404, "not_found"));
    expect(await put(anna, { name: "mine" }, "x")).toMatchObject(refused(404, "not_found"));
  });

  test("stays digit for digit where it is not changed", async () => {
    await put(anna, '{"metadata":{"id":12345678901234567890}}');
    const answer = await web.fetch("PUT", `/api/v1/conversations/${group}`, {
      as: anna,
      body: '{"name":"x"}',
    });
    expect(await answer.text()).toContain('"metadata":{"color":7,"name":"x","id":12345678901234567890}');
  });

  test("is heard of by every member, whole, with its revision; what changes nothing is not", async () => {
    const wire = await web.socketOf(ben);
    await wire.join(`conversation:${group}`);
    await wire.join(`user:${ben}`);
    await put(anna, { metadata: { color: 7 } });
    await put(anna, { metadata: { color: 8 } });
    const pushed = {
      conversation_id: group,
      rev: 1,
      actor_id: anna,
      changed: ["color"],
      conversation: { id: group, type: "group", metadata: { color: 8, name: "hikers" }, is_active: true },
    };
    expect(await wire.broadcasts(`conversation:${group}`, 1)).toEqual([pushed]);
    expect(await wire.broadcasts(`user:${ben}`, 2)).toContainEqual(pushed);
    const since = await web.ask(ben, "GET", `/conversations/${group}/changes?since=0`);
    expect(since.body).toMatchObject({ data: { conversation: pushed.conversation } });
  });

  test("is changed over the channel as well", async () => {
    const wire = await web.socketOf(anna);
    await wire.join(`conversation:${group}`);
    const reply = await wire.push(`conversation:${group}`, "update_conversation", '{"name":"climbers"}');
    expect(reply).toEqual({
      status: "ok",
      response: {
        conversation: {
          id: group,
          type: "group",
          metadata: { color: 7, name: "climbers" },
          is_active: true,
        },
      },
    });
    expect(await wire.push(`conversation:${group}`, "update_conversation", "{}")).toMatchObject({
      status: "error",
      response: { reason: "invalid_payload" },
    });
    const guest = await web.socketOf(ben);
    await guest.join(`conversation:${group}`);
    expect(await guest.push(`conversation:${group}`, "update_conversation", '{"name":"mine"}')).toMatchObject(
      { status: "error", response: { reason: "forbidden" } },
    );
  });

  test("says why a name is refused, over the channel as well, and keeps the one that is there", async () => {
    const texts = [
      ["\u200b\u200b", "name must hold a visible character"],
      ["a\u202eb", "name must not hold bidirectional controls"],
      ["a\u0007", "name must not hold control characters"],
      ["", "name must be a text of 1 to 100 characters, at least one of them visible"],
    ] as const;
    const wire = await web.socketOf(anna);
    await wire.join(`conversation:${group}`);
    for (const [name, text] of texts) {
      expect((await put(anna, { name })).body).toMatchObject({ message: expect.stringContaining(text) });
      const payload = JSON.stringify({ name });
      const reply = await wire.push(`conversation:${group}`, "update_conversation", payload);
      expect(reply.response).toMatchObject({ message: expect.stringContaining(text) });
    }
    const shown = await web.ask(ben, "GET", `/conversations/${group}`);
    expect(shown.body).toMatchObject({ data: { name: "hikers", head_rev: 0 } });
    expect(await put(anna, { name: "🏔️ é می\u200cروم" })).toMatchObject({ status: 200 });
  });

  test("is held to be visible; what a message says is opaque, and is sent as it is", async () => {
    for (const content of ["\u200b", " ", "\u202e\n"]) {
      const sent = await web.ask(anna, "POST", `/conversations/${group}/messages`, { content });
      expect(sent).toMatchObject({ status: 201, body: { data: { content } } });
    }
  });

  test("in a direct conversation is for both", async () => {
    const direct = await web.conversationOf(anna, ben);
    expect(await put(ben, { metadata: { e2ee: { enabled: true, v: 1 } } }, direct)).toMatchObject({
      status: 200,
      body: { data: { metadata: { e2ee: { enabled: true, v: 1 } } } },
    });
  });

  test.each([
    [{}, "metadata"],
    [{ metadata: null }, "metadata"],
    [{ metadata: [] }, "metadata"],
    [{ metadata: { name: null } }, "name"],
    [{ metadata: { s: "\udc00" } }, "metadata"],
    [{ metadata: { a: "x".repeat(16_384) } }, "metadata"],
    [{ metadata: { a: "x".repeat(16_360) } }, "metadata"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(101) }, "name"],
    [{ metadata: { group_settings: [] } }, "metadata.group_settings"],
    ['{"metadata":{"group_settings":12345678901234567890}}', "metadata.group_settings"],
    [
      { metadata: { group_settings: { message_permission: "nobody" } } },
      "metadata.group_settings.message_permission",
    ],
    [
      { metadata: { group_settings: { moderation_level: "none" } } },
      "metadata.group_settings.moderation_level",
    ],
    [{ name: "x", group_settings: { message_permission: "admins_only" } }, "group_settings"],
  ])("is not changed by %j, because of %s", async (body, field) => {
    expect(await put(anna, body)).toMatchObject(refused(422, "invalid_payload", field));
  });

  const settings = (given: object | null) => put(anna, { metadata: { group_settings: given } });
  const send = () => web.ask(ben, "POST", `/conversations/${group}/messages`, { content: "hello" });
  const sendMedia = () =>
    web.ask(ben, "POST", `/conversations/${group}/messages`, {
      content: "look",
      message_type: "media",
      attachments: [{ media_id: "one", media_type: "image" }],
    });

  test("keeps its settings name by name: one that is not named stays, null gives the default again, and each is enforced as it is shown", async () => {
    await settings({ message_permission: "admins_only" });
    const both = { message_permission: "admins_only", media_permission: "moderators_plus" };
    expect(await settings({ media_permission: "moderators_plus" })).toMatchObject({
      status: 200,
      body: { data: { metadata: { name: "hikers", color: 7, group_settings: both } } },
    });
    expect(await send()).toMatchObject(refused(403, "forbidden"));
    await put(anna, { name: "climbers" });
    await settings({});
    expect(await send()).toMatchObject(refused(403, "forbidden"));
    const opened = await settings({ message_permission: null });
    const left = { group_settings: { media_permission: "moderators_plus" } };
    expect((opened.body as { data: { metadata: object } }).data.metadata).toEqual({
      name: "climbers",
      color: 7,
      ...left,
    });
    expect(await send()).toMatchObject({ status: 201 });
    expect(await sendMedia()).toMatchObject(refused(403, "forbidden"));
    await settings(null);
    expect(await sendMedia()).toMatchObject({ status: 201 });
  });

  const audiences = "all_members, moderators_plus, admins_only";
  const all = "message_permission, media_permission, mention_permission, add_members_permission";
  test.each([
    [
      "group_settings",
      { who_can_send: "admins" },
      `who_can_send is not a setting of groups; allowed are ${all}`,
    ],
    ["group_settings", { message_permision: null }, `did you mean message_permission? allowed are ${all}`],
    ["group_settings", { messagePermission: "admins_only" }, "did you mean message_permission?"],
    ["group_settings", { __proto__x: 1 }, "is not a setting of groups"],
    ["group_settings", { message_permission: "ADMINS_ONLY" }, `must be one of ${audiences}, or null`],
    ["group_settings", { media_permission: ["admins_only"] }, `must be one of ${audiences}`],
    [
      "group_settings",
      { media_permission: "moderators_plus", add_members_permission: true },
      "must be one of",
    ],
    ["group_settings", { join_approval_required: true }, "is not available, nobody asks to join"],
    ["group_settings", { join_approval_required: "yes" }, "must be false, or left out"],
    ["group_settings", { content_filter_enabled: true }, "is not available, this server filters no content"],
    ["group_settings", { moderation_level: "strict" }, "must be left out"],
    ["groupSettings", { message_permission: "admins_only" }, "must be named metadata.group_settings"],
    ["GroupSettings", null, "must be named metadata.group_settings"],
    ["message_permission", "admins_only", "must be metadata.group_settings.message_permission"],
    ["mediaPermission", "admins_only", "must be metadata.group_settings.media_permission"],
    ["join_approval_required", true, "must be metadata.group_settings.join_approval_required"],
  ])("refuses settings that would have no effect: %s %j", async (name, value, text) => {
    const before = await web.ask(ben, "GET", `/conversations/${group}`);
    const metadata = { color: 9, [name]: value };
    const answers = [
      await put(anna, { metadata }),
      await web.ask(anna, "POST", "/conversations", { type: "group", name: "x", user_ids: [ben], metadata }),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject(refused(422, "invalid_payload"));
      expect((answer.body as { message: string }).message).toContain(text);
    }
    expect(await web.ask(ben, "GET", `/conversations/${group}`)).toEqual(before);
  });

  test("takes settings that say what is so: no approval, no filter, and the default", async () => {
    const given = { join_approval_required: false, content_filter_enabled: false, moderation_level: null };
    expect(await settings({ ...given, media_permission: null })).toMatchObject({
      status: 200,
      body: { data: { metadata: { group_settings: { join_approval_required: false } } } },
    });
    const body = { type: "group", name: "x", user_ids: [ben], metadata: { group_settings: given } };
    const created = await web.ask(anna, "POST", "/conversations", body);
    expect((created.body as { data: { metadata: object } }).data.metadata).toEqual({
      name: "x",
      group_settings: { join_approval_required: false, content_filter_enabled: false },
    });
  });

  test("takes what its JSON says last, and nothing past the check by saying it twice", async () => {
    const twice = (first: string, second: string) =>
      put(anna, `{"metadata":{"group_settings":${first},"group_settings":${second}}}`);
    expect(await twice('{"message_permission":"admins_only"}', '{"who_can_send":1}')).toMatchObject(
      refused(422, "invalid_payload"),
    );
    const within = '{"message_permission":"nobody","message_permission":"admins_only"}';
    expect(await twice('{"who_can_send":1}', within)).toMatchObject({
      body: { data: { metadata: { group_settings: { message_permission: "admins_only" } } } },
    });
    expect(await send()).toMatchObject(refused(403, "forbidden"));
  });

  test("has no settings of groups in a direct conversation", async () => {
    const direct = await web.conversationOf(anna, ben);
    const closed = { metadata: { group_settings: { message_permission: "admins_only" } } };
    expect(await put(anna, closed, direct)).toMatchObject(
      refused(422, "invalid_payload", "metadata.group_settings"),
    );
  });

  test("says who may write, mention and add: at once, by name, and for nobody longer than it says so", async () => {
    const send = (body: object = {}) =>
      web.ask(ben, "POST", `/conversations/${group}/messages`, { content: "hello", ...body });
    const mention = { metadata: { mentions: [anna] } };
    expect(await send(mention)).toMatchObject({ status: 201 });
    await settings({ mention_permission: "admins_only" });
    const refusal = await send(mention);
    expect(refusal).toMatchObject(refused(403, "forbidden"));
    expect(JSON.stringify(refusal.body)).toContain("mention_permission: admins_only");
    expect(await send({ metadata: { mentions: [] } })).toMatchObject({ status: 201 });
    await settings({ message_permission: "moderators_plus", add_members_permission: "all_members" });
    expect(await send()).toMatchObject(refused(403, "forbidden"));
    const added = await web.ask(ben, "POST", `/conversations/${group}/members`, { user_id: carl });
    expect(added).toMatchObject({ status: 201 });
    await settings({ message_permission: null, mention_permission: null, add_members_permission: null });
    expect(await send(mention)).toMatchObject({ status: 201 });
    const refusedAgain = await web.ask(ben, "POST", `/conversations/${group}/members`, { user_id: dora });
    expect(refusedAgain).toMatchObject(refused(403, "forbidden"));
  });
});
