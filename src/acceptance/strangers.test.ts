import { describe, expect, test } from "bun:test";
import type { Device } from "../testing/clients/device.ts";
import { heardBy } from "../testing/clients/heard-by.ts";
import { createGroup, People, type Person } from "../testing/clients/people.ts";
import { peopleOnServer } from "../testing/clients/people-on-server.ts";
import { setBlock } from "../testing/clients/set-block.ts";
import { eventually } from "../testing/eventually.ts";
import { startInProcess } from "../testing/processes/in-process.ts";

/** S5: whom others can make a member of what, and what they see of them by it. */

const { people, server } = peopleOnServer();

const block = (blocker: Person, blocked: Person, isBlocked = true) =>
  setBlock({ databaseUrl: server.databaseUrl, blocker, blocked, isBlocked });

/** The refusal of a request; null: it was done. */
async function refusalOf(asked: Promise<unknown>) {
  const message = await asked.then(
    () => null,
    (error: Error) => error.message,
  );
  if (message === null) return null;
  const [, status, body] = /: (\d+) (.*)$/s.exec(message)!;
  return {
    status: Number(status),
    ...(JSON.parse(body!) as { error: string; details?: { user_ids?: string } }),
  };
}

const create = ({ rest }: Person, others: readonly Person[]) =>
  rest.call("POST", "/conversations", { type: "group", name: "x", user_ids: others.map(({ id }) => id) });
const add = ({ rest }: Person, conversationId: string, ...others: readonly Person[]) =>
  rest.call("POST", `/conversations/${conversationId}/members`, { user_ids: others.map(({ id }) => id) });
const leave = ({ rest }: Person, conversationId: string, body?: object) =>
  rest.call("POST", `/conversations/${conversationId}/leave`, body);
const write = ({ rest }: Person, conversationId: string) =>
  rest.call("POST", `/conversations/${conversationId}/messages`, { content: "hello" });

async function listOf({ rest }: Person): Promise<readonly string[]> {
  const { body } = await rest.call("GET", "/conversations");
  return (body as { data: { id: string }[] }).data.map(({ id }) => id);
}

describe("who is blocked", () => {
  test("creates no group with the blocker, who hears nothing of it; whom to leave out is said, and the others can be in it", async () => {
    const [anna, ben, carl] = (await people.many(3)) as [Person, Person, Person];
    const device = await ben.online();
    await block(ben, anna);
    const refusal = await refusalOf(create(anna, [carl, ben]));
    expect(refusal).toMatchObject({ status: 404, error: "not_found", details: { user_ids: ben.id } });
    expect(await refusalOf(anna.rest.createDirect(ben.id))).toMatchObject({
      status: 404,
      error: "not_found",
    });
    expect([await listOf(anna), await listOf(carl), await listOf(ben)]).toEqual([[], [], []]);
    expect(await heardBy(device)).not.toContain("conversation");
    expect(await refusalOf(create(anna, [carl]))).toBeNull();
  });

  test("adds the blocker to no group, of whichever side it is, nor anybody else with the same request", async () => {
    const [anna, ben, carl] = (await people.many(3)) as [Person, Person, Person];
    const conversationId = await createGroup([anna, carl]);
    await block(ben, anna);
    expect(await refusalOf(add(anna, conversationId, ben))).toMatchObject({
      status: 404,
      details: { user_ids: ben.id },
    });
    const dora = await people.one();
    expect(await refusalOf(add(anna, conversationId, dora, ben))).toMatchObject({ status: 404 });
    expect(await listOf(dora)).toEqual([]);
    await block(anna, ben);
    expect(await refusalOf(add(anna, conversationId, ben))).toMatchObject({
      status: 403,
      details: { user_ids: ben.id },
    });
    await block(anna, ben, false);
    await block(ben, anna, false);
    expect(await refusalOf(add(anna, conversationId, ben))).toBeNull();
  });

  test("I8: adds nobody from the moment on at which the block is applied, however many requests are under way", async () => {
    const [anna, ben] = (await people.many(2)) as [Person, Person];
    const own = await Promise.all(
      Array.from({ length: 12 }, async () => createGroup([anna, await people.one()])),
    );
    const adding = own.map((id) => refusalOf(add(anna, id, ben)));
    await block(ben, anna);
    const inside = await listOf(ben);
    await Promise.all(adding);
    expect(await listOf(ben)).toEqual(inside);
    for (const id of own.filter((each) => !inside.includes(each)))
      expect(await refusalOf(add(anna, id, ben))).toMatchObject({ status: 404 });
  });
});

describe("who left a group", () => {
  test("is not added again, however often it is tried, until they allow it", async () => {
    const [anna, ben] = (await people.many(2)) as [Person, Person];
    const conversationId = await createGroup([anna, ben]);
    await leave(ben, conversationId);
    for (let tries = 0; tries < 5; tries++)
      expect(await refusalOf(add(anna, conversationId, ben))).toMatchObject({
        status: 409,
        details: { user_ids: ben.id },
      });
    const allow = () => ben.rest.call("POST", `/conversations/${conversationId}/allow-readding`);
    await allow();
    expect(await refusalOf(allow())).toMatchObject({ status: 404 });
    expect(await refusalOf(add(anna, conversationId, ben))).toBeNull();
    await leave(ben, conversationId, { allow_readding: true });
    expect(await refusalOf(add(anna, conversationId, ben))).toBeNull();
  });

  test("is added again when they were removed by others, which is no word of theirs", async () => {
    const [anna, ben] = (await people.many(2)) as [Person, Person];
    const conversationId = await createGroup([anna, ben]);
    await fetch(`${server.url}/api/v1/conversations/${conversationId}/members/${ben.id}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${await server.token(anna.id)}` },
    });
    expect(
      await refusalOf(ben.rest.call("POST", `/conversations/${conversationId}/allow-readding`)),
    ).toMatchObject({ status: 404 });
    expect(await refusalOf(add(anna, conversationId, ben))).toBeNull();
  });
});

interface SeenMember {
  readonly user_id: string;
  readonly is_online: boolean;
  readonly last_seen_at: string | null;
}

async function membersFor(
  { rest }: Person,
  conversationId: string,
): Promise<ReadonlyMap<string, SeenMember>> {
  const { body } = await rest.call("GET", `/conversations/${conversationId}/members`);
  return new Map((body as { data: SeenMember[] }).data.map((member) => [member.user_id, member]));
}

/** Whom a device sees online in a conversation, as a stock client keeps it. */
function seenBy(device: Device, conversationId: string): readonly string[] {
  const seen = new Set<string>();
  type Users = Readonly<Record<string, unknown>>;
  for (const { topic, event, payload } of device.heard) {
    if (topic !== `conversation:${conversationId}`) continue;
    if (event === "presence_state") {
      seen.clear();
      for (const userId of Object.keys(payload)) seen.add(userId);
    }
    if (event !== "presence_diff") continue;
    const { joins, leaves } = payload as { joins: Users; leaves: Users };
    for (const userId of Object.keys(joins)) seen.add(userId);
    for (const userId of Object.keys(leaves)) seen.delete(userId);
  }
  return [...seen].sort();
}

const ids = (...some: readonly Person[]) => some.map(({ id }) => id).sort();

describe("a member whom others made one", () => {
  test.each(["direct", "group"] as const)(
    "shows nothing of themselves in a %s conversation until they write in it",
    async (type) => {
      const [anna, ben] = (await people.many(2)) as [Person, Person];
      const conversationId =
        type === "direct" ? await anna.rest.createDirect(ben.id) : await createGroup([anna, ben]);
      const [hers, his] = [await anna.inside(conversationId), await ben.inside(conversationId)];
      await his.ask(conversationId, "user_typing", { typing: true });
      await write(anna, conversationId);
      await his.keeps(conversationId, 1);
      await eventually("ben to see anna", () => seenBy(his, conversationId).includes(anna.id));
      expect(await heardBy(hers)).not.toContain("user_typing");
      expect(seenBy(hers, conversationId)).toEqual(ids(anna));
      expect((await membersFor(anna, conversationId)).get(ben.id)).toMatchObject({
        is_online: false,
        last_seen_at: null,
      });
      expect((await membersFor(ben, conversationId)).get(ben.id)).toMatchObject({ is_online: true });

      await write(ben, conversationId);
      await eventually("anna to see ben", () => seenBy(hers, conversationId).includes(ben.id));
      expect((await membersFor(anna, conversationId)).get(ben.id)).toMatchObject({ is_online: true });
      await his.ask(conversationId, "user_typing", { typing: true });
      await hers.hears("user_typing", `conversation:${conversationId}`);
      // Nothing of what makes them show is told as a change of members, and no revision is missing.
      expect(hers.events("conversation_members_updated")).toEqual([]);
      expect([...hers.violations, ...his.violations]).toEqual([]);
      await his.disconnect();
      await eventually("ben to be gone", () => !seenBy(hers, conversationId).includes(ben.id));
      await eventually("when ben was there last to be known", async () => {
        const seen = (await membersFor(anna, conversationId)).get(ben.id);
        return seen?.is_online === false && seen.last_seen_at !== null;
      });
    },
    60_000,
  );

  test("shows what they chose to show elsewhere only there", async () => {
    const [anna, ben, carl] = (await people.many(3)) as [Person, Person, Person];
    const open = await createGroup([anna, ben, carl]);
    await write(ben, open);
    const forced = await createGroup([carl, ben]);
    const device = await carl.inside([open, forced]);
    await ben.online();
    await eventually("ben to be seen where he wrote", () => seenBy(device, open).includes(ben.id));
    expect(seenBy(device, forced)).toEqual(ids(carl));
    expect((await membersFor(carl, forced)).get(ben.id)).toMatchObject({
      is_online: false,
      last_seen_at: null,
    });
  });
});

interface Mark {
  readonly user_id: string;
  readonly delivered_seq: number;
}

interface Shown {
  readonly id: string;
  readonly status: string;
}

async function dataOf<Data>({ rest }: Person, path: string): Promise<Data> {
  return ((await rest.call("GET", path)).body as { data: Data }).data;
}

async function marksFor({ rest }: Person, conversationId: string): Promise<readonly Mark[]> {
  const { body } = await rest.call("GET", `/conversations/${conversationId}/changes?since=0`);
  return (body as { meta: { marks: Mark[] } }).meta.marks;
}

/** The status of the newest message, wherever it is shown. */
async function statusesFor(person: Person, conversationId: string): Promise<readonly string[]> {
  const at = `/conversations/${conversationId}`;
  const shown = await dataOf<{ last_message: Shown }>(person, at);
  const [listed] = await dataOf<{ last_message: Shown }[]>(person, "/conversations");
  const [newest] = await dataOf<Shown[]>(person, `${at}/messages?limit=1`);
  const { messages } = await dataOf<{ messages: Shown[] }>(person, `${at}/changes?since=0`);
  return [shown.last_message, listed!.last_message, newest!, messages.at(-1)!].map(({ status }) => status);
}

test("in a common group, receipts of who has blocked somebody are not to be had for the one who is blocked, nor count in the status of messages", async () => {
  const [anna, ben, carl] = (await people.many(3)) as [Person, Person, Person];
  const conversationId = await createGroup([anna, ben, carl]);
  await block(ben, anna);
  const [, carls] = [await ben.online(), await carl.inside(conversationId)];
  const { body } = await write(anna, conversationId);
  const { id, seq } = (body as { data: { id: string; seq: number } }).data;
  await carls.ask(conversationId, "message_read", { message_id: id });
  await eventually("ben to have received it, as carl sees", async () =>
    (await marksFor(carl, conversationId)).some(
      (mark) => mark.user_id === ben.id && mark.delivered_seq === seq,
    ),
  );

  const statuses = await dataOf<{ user_id: string; delivered_at: string | null }[]>(
    anna,
    `/messages/${id}/delivery-status`,
  );
  expect(statuses.find(({ user_id }) => user_id === ben.id)).toMatchObject({
    delivered_at: null,
    read_at: null,
  });
  expect(statuses.find(({ user_id }) => user_id === carl.id)!.delivered_at).not.toBeNull();
  const others = ids(anna, carl);
  const idsOf = (marks: readonly Mark[]) => marks.map(({ user_id }) => user_id).sort();
  expect(idsOf(await marksFor(anna, conversationId))).toEqual(others);
  for (const cursor of [
    { since_seq: 0, since_rev: 0 },
    { since_seq: seq, since_rev: 10 },
  ]) {
    const joined = await (await anna.online(`at ${cursor.since_seq}`)).openConversation(
      conversationId,
      cursor,
    );
    expect(idsOf(joined.marks as readonly Mark[])).toEqual(others);
  }
  // Carl has read it, ben has only received it: by ben, it would be "delivered".
  expect(await statusesFor(anna, conversationId)).toEqual(["read", "read", "read", "read"]);
});

test("in a common group, two of whom one has blocked the other vanish for each other alone, and are back when unblocked", async () => {
  const [anna, ben, carl] = (await people.many(3)) as [Person, Person, Person];
  const conversationId = await createGroup([anna, ben, carl]);
  await write(ben, conversationId);
  await write(carl, conversationId);
  const [hers, his, carls] = [
    await anna.inside(conversationId),
    await ben.inside(conversationId),
    await carl.inside(conversationId),
  ];
  const everybody = ids(anna, ben, carl);
  const see = () => [hers, his, carls].map((device) => seenBy(device, conversationId));
  await eventually("all to see all", () => see().every((seen) => Bun.deepEquals(seen, everybody)));

  await block(ben, anna);
  await eventually("the two to vanish", () =>
    Bun.deepEquals(see(), [ids(anna, carl), ids(ben, carl), everybody]),
  );
  const sent = await hers.send(conversationId, "to the group");
  await his.ask(conversationId, "user_typing", { typing: true });
  await his.ask(conversationId, "message_read", { message_id: sent.id });
  await carls.hears("message_read", `conversation:${conversationId}`);
  const nothingOfBen = JSON.stringify(
    hers.heard.filter(({ event }) => /typing|message_read|delivery_status/.test(event)),
  );
  expect(nothingOfBen).not.toContain(ben.id);
  for (const [viewer, other] of [
    [anna, ben],
    [ben, anna],
  ] as const)
    expect((await membersFor(viewer, conversationId)).get(other.id)).toMatchObject({
      is_online: false,
      last_seen_at: null,
    });
  expect((await membersFor(carl, conversationId)).get(ben.id)).toMatchObject({ is_online: true });

  // A socket that comes later, and one that goes.
  const tablet = await anna.inside(conversationId, "tablet");
  expect(seenBy(tablet, conversationId)).toEqual(ids(anna, carl));
  await his.disconnect();
  await eventually("carl to see ben go", () => !seenBy(carls, conversationId).includes(ben.id));
  const again = await ben.inside(conversationId);
  await eventually("carl to see ben", () => seenBy(carls, conversationId).includes(ben.id));
  expect([seenBy(hers, conversationId), seenBy(again, conversationId)]).toEqual([
    ids(anna, carl),
    ids(ben, carl),
  ]);
  expect(JSON.stringify(tablet.heard.filter(({ event }) => event.startsWith("presence")))).not.toContain(
    ben.id,
  );

  await block(ben, anna, false);
  await eventually("all to see all again", () =>
    [hers, again, carls, tablet].every((device) => Bun.deepEquals(seenBy(device, conversationId), everybody)),
  );
}, 120_000);

test("with PRESENCE_SHOWN_TO=members all members show, but never across a block", async () => {
  await using own = await startInProcess({ PRESENCE_SHOWN_TO: "members" });
  const party = new People(own);
  const [anna, ben] = (await party.many(2)) as [Person, Person];
  const conversationId = await createGroup([anna, ben]);
  const [hers] = [await anna.inside(conversationId), await ben.online()];
  await eventually("anna to see ben", () => seenBy(hers, conversationId).includes(ben.id));
  await setBlock({ databaseUrl: own.databaseUrl, blocker: anna, blocked: ben });
  await eventually("ben to vanish", () => !seenBy(hers, conversationId).includes(ben.id));
  await party.disconnect();
}, 60_000);
