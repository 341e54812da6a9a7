import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { Device } from "./testing/device.ts";
import { type InProcess, startInProcess } from "./testing/in-process.ts";
import { People, type Person } from "./testing/people.ts";

/** Groups as their members live them, with the stock client on a whole server. */

let server: InProcess;
let people: People;

beforeAll(async () => {
  server = await startInProcess();
  people = new People(server);
}, 120_000);
afterAll(async () => {
  expect(server.complaints).toEqual([]);
  await server[Symbol.asyncDispose]();
}, 120_000);
afterEach(() => people.disconnect());

const put = ({ rest }: Person, conversationId: string, body: object) =>
  rest.call("PUT", `/conversations/${conversationId}`, body);

async function metadataOf({ rest }: Person, conversationId: string): Promise<unknown> {
  const { body } = await rest.call("GET", `/conversations/${conversationId}`);
  return (body as { data: { metadata: unknown } }).data.metadata;
}

const refusal = (asked: Promise<unknown>) =>
  asked.then(
    () => "no refusal",
    (error: Error) => error.message,
  );

describe("settings of a conversation", () => {
  test("that many change at once all stay, whoever is the last: none writes over what another one set", async () => {
    const { people: members, conversationId } = await people.group(4);
    const [owner, ...others] = members as [Person, ...Person[]];
    for (const { id } of others)
      await owner.rest.call("PATCH", `/conversations/${conversationId}/members/${id}/role`, {
        role: "admin",
      });
    const devices = await Promise.all(members.map((member) => member.inside(conversationId)));
    const names = Array.from({ length: 40 }, (_, index) => `name${index}`);
    await Promise.all(
      names.map((name, index) =>
        index % 2
          ? put(members[index % 4]!, conversationId, { metadata: { [name]: index } })
          : devices[index % 4]!.ask(conversationId, "update_conversation", { metadata: { [name]: index } }),
      ),
    );
    const expected = {
      name: "friends",
      ...Object.fromEntries(names.map((name, index) => [name, index])),
    };
    expect(await metadataOf(owner, conversationId)).toEqual(expected);
    for (const device of devices) {
      const heard = await hearsAll(device, conversationId, 40);
      const revs = heard.map(({ rev }) => rev as number);
      expect(revs).toEqual(revs.map((_, index) => revs[0]! + index));
      expect((heard.at(-1)!.conversation as { metadata: unknown }).metadata).toEqual(expected);
    }
  }, 180_000);

  test("are in the difference of a device that was away, whole, and only if they changed", async () => {
    const { people: members, conversationId } = await people.group(2);
    const [owner, member] = members as [Person, Person];
    const device = await member.device();
    await device.open();
    const first = await device.openConversation(conversationId);
    const since = { since_seq: 0, since_rev: first.head_rev, generation: first.generation };
    expect((await device.openConversation(conversationId, since)).changes).not.toHaveProperty("conversation");
    await put(owner, conversationId, { name: "climbers", metadata: { color: 7 } });
    const again = await device.openConversation(conversationId, since);
    expect(again).toMatchObject({
      resumed: true,
      head_rev: 1,
      conversation: { metadata: { name: "climbers", color: 7 } },
      changes: {
        conversation: {
          id: conversationId,
          type: "group",
          metadata: { name: "climbers", color: 7 },
          is_active: true,
        },
      },
    });
  });

  test("of who may write hold from their answer on, and for those who have the role they get", async () => {
    const { people: members, conversationId } = await people.group(2);
    const [owner, member] = members as [Person, Person];
    const device = await member.inside(conversationId);
    await device.send(conversationId, "open to all");
    const closed = { group_settings: { message_permission: "moderators_plus" } };
    await put(owner, conversationId, { metadata: closed });
    expect(await refusal(device.send(conversationId, "too late"))).toContain(
      "message_permission: moderators_plus",
    );
    const role = `/conversations/${conversationId}/members/${member.id}/role`;
    await owner.rest.call("PATCH", role, { role: "moderator" });
    await device.hears("conversation_members_updated");
    await device.send(conversationId, "as a moderator");
    expect(device.contents(conversationId)).toEqual(["open to all", "as a moderator"]);
  });
});

test("who leaves last ends the group: its devices hear of it, and there is nothing any more", async () => {
  const { people: members, conversationId } = await people.group(2);
  for (const { rest } of members.slice(1)) await rest.call("POST", `/conversations/${conversationId}/leave`);
  const [last] = members as [Person];
  const device = await last.inside(conversationId);
  const left = await last.rest.call("POST", `/conversations/${conversationId}/leave`);
  expect(left.body).toMatchObject({ data: { conversation_deactivated: true, auto_promoted_user_id: null } });
  await device.hears("conversation_members_updated");
  expect(await refusal(last.rest.call("GET", `/conversations/${conversationId}`))).toContain("not_found");
  expect(await refusal(device.openConversation(conversationId))).toContain("not_authorized");
  expect((await last.rest.call("GET", "/conversations")).body).toMatchObject({ data: [] });
});

/** What a device heard of the conversation's settings on its topic. */
async function hearsAll(device: Device, conversationId: string, times: number) {
  const topic = `conversation:${conversationId}`;
  await device.hears("conversation_updated", topic, times);
  return device.events("conversation_updated", topic).map(({ payload }) => payload);
}
