import { describe, expect, test } from "bun:test";
import { changeBlock } from "../store/change-block.ts";
import { newId, systemClock } from "../system.ts";
import { heardBy } from "../testing/clients/heard-by.ts";
import { People, type Person } from "../testing/clients/people.ts";
import { peopleOnServer } from "../testing/clients/people-on-server.ts";
import { RestClient } from "../testing/clients/rest-client.ts";
import { setBlock } from "../testing/clients/set-block.ts";
import { eventually } from "../testing/eventually.ts";
import { testDatabase } from "../testing/processes/database.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";
import { outsideClient } from "../testing/processes/outside.ts";
import { serverCommand } from "../testing/processes/server.ts";

/** Blocks as the two of a direct conversation live them, with the stock client on a whole server. */

const { people, server } = peopleOnServer();

const say = (blocker: Person, blocked: Person, isBlocked: boolean) =>
  setBlock({ databaseUrl: server.databaseUrl, blocker, blocked, isBlocked });

const refusal = (asked: Promise<unknown>) =>
  asked.then(
    () => "no refusal",
    (error: Error) => error.message,
  );

async function listOf({ rest }: Person) {
  const { body } = await rest.call("GET", "/conversations");
  return (body as { data: { id: string; member_user_ids: string[] }[] }).data;
}

describe("a blocked user", () => {
  test("hears nothing from then on, on open sockets too, and is as a stranger; unblocked, he is back with all that was there", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const [hers, his] = await Promise.all([alice.inside(conversationId), bob.inside(conversationId)]);
    const before = await his.send(conversationId, "before");
    await hers.keeps(conversationId, 1);
    const { length } = his.heard;

    await say(alice, bob, true);
    await hers.hears("conversation_members_updated", `conversation:${conversationId}`);
    await hers.ask(conversationId, "message_read", { message_id: before.id });
    expect(await refusal(hers.send(conversationId, "to nobody"))).toContain("You have blocked");
    await hers.ask(conversationId, "update_conversation", { metadata: { theme: 2 } });
    await heardBy(his);
    // The topic was taken away; of why, and of what happened since, nothing came.
    const heard = his.heard.slice(length).map(({ event }) => event);
    expect(heard.slice(heard.indexOf("phx_close"))).toEqual(["phx_close"]);
    expect(heard).not.toContain("conversation_members_updated");
    expect(heard).not.toContain("message_read");

    const stranger = await people.one();
    const asStranger = [
      ["GET", `/conversations/${conversationId}`],
      ["GET", `/conversations/${conversationId}/messages`],
      ["GET", `/conversations/${conversationId}/members`],
      ["GET", `/conversations/${conversationId}/changes?since=0`],
      ["PUT", `/conversations/${conversationId}`, { name: "mine" }],
      ["POST", `/conversations/${conversationId}/messages`, { content: "let me in" }],
      ["PUT", `/messages/${before.id}`, { content: "edited", conversation_id: conversationId }],
      ["DELETE", `/messages/${before.id}?conversation_id=${conversationId}`],
      ["POST", `/conversations/${conversationId}/leave`],
    ] as const;
    for (const [method, path, body] of asStranger) {
      const [own, others] = [bob, stranger].map(({ rest }) => refusal(rest.call(method, path, body)));
      expect(await own).toBe(await others!);
      expect(await own).toContain("404");
    }
    expect(await refusal(his.openConversation(conversationId))).toContain("not_authorized");
    his.conversation(conversationId).leave(); // else it would try again and again
    expect(await listOf(bob)).toEqual([]);
    const fresh = await bob.online("tablet");
    expect(fresh.userEvents).toEqual(["caught_up"]);

    expect((await listOf(alice)).map(({ member_user_ids }) => member_user_ids.toSorted())).toEqual([
      [alice.id, bob.id].toSorted(),
    ]);

    await say(alice, bob, false);
    await his.hears("conversation_members_updated");
    const again = await his.openConversation(conversationId);
    expect(again).toMatchObject({ head_seq: 1, conversation: { metadata: { theme: 2 } } });
    await his.send(conversationId, "back");
    await hers.send(conversationId, "welcome");
    await his.keeps(conversationId, 3);
    expect((await bob.rest.history(conversationId)).map(({ content }) => content)).toEqual([
      "before",
      "back",
      "welcome",
    ]);
    expect(hers.contents(conversationId)).toEqual(["before", "back", "welcome"]);
    expect([...hers.violations, ...his.violations]).toEqual([]);
  }, 180_000);

  test("who comes back with a cursor of before is told to read afresh", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const device = await bob.device();
    await device.open();
    await alice.rest.call("POST", `/conversations/${conversationId}/messages`, { content: "one" });
    const first = await device.openConversation(conversationId);
    await say(alice, bob, true);
    await say(alice, bob, false);
    const since = { since_seq: 1, since_rev: first.head_rev, generation: first.generation };
    expect(await device.openConversation(conversationId, since)).toMatchObject({
      resumed: false,
      head_seq: 1,
      head_rev: 3,
    });
  });

  test("cannot begin a conversation, nor can the blocker, who is told why; unblocked, either can", async () => {
    const [alice, bob] = (await people.many(2)) as [Person, Person];
    const device = await bob.online();
    await say(alice, bob, true);
    expect(await refusal(bob.rest.createDirect(alice.id))).toContain("404");
    expect(await refusal(alice.rest.createDirect(bob.id))).toContain("403");
    expect(await listOf(alice)).toEqual([]);
    expect(await heardBy(device)).not.toContain("conversation");
    await say(alice, bob, false);
    const conversationId = await bob.rest.createDirect(alice.id);
    expect(await alice.rest.createDirect(bob.id)).toBe(conversationId);
    await say(alice, bob, true);
    expect(await refusal(bob.rest.createDirect(alice.id))).toContain("404");
    expect(await refusal(alice.rest.createDirect(bob.id))).toContain("403");
  });

  test("may block as well: then the conversation is there for neither, until both have unblocked", async () => {
    const { alice, bob, conversationId } = await people.pair();
    await say(alice, bob, true);
    await say(bob, alice, true);
    expect([await listOf(alice), await listOf(bob)]).toEqual([[], []]);
    await say(alice, bob, false);
    expect([await listOf(alice), (await listOf(bob)).map(({ id }) => id)]).toEqual([[], [conversationId]]);
    await say(bob, alice, false);
    expect((await listOf(alice)).map(({ id }) => id)).toEqual([conversationId]);
  });

  test("stays in the groups of the two", async () => {
    const { people: members, conversationId } = await people.group(2);
    const [alice, bob] = members as [Person, Person];
    await say(alice, bob, true);
    const device = await bob.inside(conversationId);
    await device.send(conversationId, "hello, group");
  });
});

test("direct conversations with broken rows keep no other block from being applied, and operators are told", async () => {
  await using own = await startInProcess();
  const database = await outsideClient(own.databaseUrl);
  const party = new People(own);
  const block = async ({ alice, bob }: { alice: Person; bob: Person }) => {
    const change = { blockerId: alice.id, blockedId: bob.id, isBlocked: true, atUs: systemClock.nowUs() };
    return changeBlock(own.databaseUrl, change, 60_000);
  };
  const [withoutHers, withoutHis, unreadable, headless] = [
    await party.pair(),
    await party.pair(),
    await party.pair(),
    await party.pair(),
  ];
  const forget = "delete from conversation_members where conversation_id = $1 and user_id = $2";
  await database.query(forget, [withoutHers.conversationId, withoutHers.alice.id]);
  await database.query(forget, [withoutHis.conversationId, withoutHis.bob.id]);
  await database.query("update conversation_members set joined_at = 'infinity' where conversation_id = $1", [
    unreadable.conversationId,
  ]);
  await database.query("delete from conversation_heads where conversation_id = $1", [
    headless.conversationId,
  ]);
  const stuck = [block(unreadable), block(headless)];
  expect(await block(withoutHers)).toBe("applied");
  expect(await listOf(withoutHers.bob)).toEqual([]);
  expect(await block(withoutHis)).toBe("applied");
  const whole = await party.pair();
  expect(await block(whole)).toBe("applied");
  expect(await listOf(whole.bob)).toEqual([]);
  const told = () => own.complaints.map((line) => (JSON.parse(line) as { msg: string }).msg);
  await eventually("operators are told", () => told().includes("block_not_applied"));
  expect(new Set(told())).toEqual(new Set(["direct_member_row_missing", "block_not_applied"]));
  await database.query("update conversation_members set joined_at = now() where conversation_id = $1", [
    unreadable.conversationId,
  ]);
  await database.query("insert into conversation_heads (conversation_id) values ($1)", [
    headless.conversationId,
  ]);
  await database.end();
  expect(await Promise.all(stuck)).toEqual(["applied", "applied"]);
}, 180_000);

describe("whispr-msg admin", () => {
  async function admin(...args: readonly string[]) {
    return adminOf(server.databaseUrl, ...args);
  }

  async function adminOf(databaseUrl: string, ...args: readonly string[]) {
    const child = Bun.spawn([...serverCommand(), "admin", ...args], {
      env: { PATH: process.env.PATH ?? "", DATABASE_URL: databaseUrl },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { out, err, code };
  }

  test("blocks and unblocks while the server runs, and says when that is applied", async () => {
    const { alice, bob } = await people.pair();
    expect(await admin("block", alice.id.toUpperCase(), bob.id)).toEqual({
      out: "blocked: applied\n",
      err: "",
      code: 0,
    });
    expect(await listOf(bob)).toEqual([]);
    expect(await admin("unblock", alice.id, bob.id)).toMatchObject({ out: "unblocked: applied\n", code: 0 });
    expect(await listOf(bob)).toHaveLength(1);
  }, 180_000);

  test("notes it while no server runs; the next one applies it before it serves for long", async () => {
    await using stack = new AsyncDisposableStack();
    const database = stack.adopt(await testDatabase(), (each) => each.close());
    const [alice, bob] = [newId(), newId()];
    const start = () => startInProcess({ DATABASE_URL: database.url });
    const restOf = async ({ url, token }: InProcess, userId: string) =>
      new RestClient({ url, token: await token(userId) });
    let conversationId: string;
    {
      await using first = await start();
      conversationId = await (await restOf(first, alice)).createDirect(bob);
    }
    expect(await adminOf(database.url, "block", alice, bob)).toMatchObject({
      out: "blocked: stored; it is applied when whispr-msg starts\n",
      code: 0,
    });
    await using second = await start();
    const his = await restOf(second, bob);
    await eventually("the block to be applied", async () =>
      (await refusal(his.call("GET", `/conversations/${conversationId}`))).includes("404"),
    );
    expect(await adminOf(database.url, "block", alice, bob)).toMatchObject({ out: "blocked: applied\n" });
    expect(second.complaints).toEqual([]);
  }, 120_000);

  test("refuses what names no two users", async () => {
    const { id } = await people.one();
    expect(await admin("block", id, "bob")).toMatchObject({ code: 2, err: expect.stringContaining("UUID") });
    expect(await admin("block", id, id)).toMatchObject({
      code: 2,
      err: expect.stringContaining("two users"),
    });
    expect(await admin("block", id)).toMatchObject({ code: 2 });
  }, 180_000);
});
