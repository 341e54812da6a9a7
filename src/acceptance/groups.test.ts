import { describe, expect, test } from "bun:test";
import type { Device } from "../testing/clients/device.ts";
import type { Person } from "../testing/clients/people.ts";
import { peopleOnServer } from "../testing/clients/people-on-server.ts";
import { eventually } from "../testing/eventually.ts";

/** Groups as their members live them, with the stock client on a whole server. */

const { people } = peopleOnServer();

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

  test("of the group merge name by name, also when several change at once; each push says who changed what", async () => {
    const { people: members, conversationId } = await people.group(3);
    const [owner, admin, member] = members as [Person, Person, Person];
    const role = `/conversations/${conversationId}/members/${admin.id}/role`;
    await owner.rest.call("PATCH", role, { role: "admin" });
    const [watcher, own] = [await member.inside(conversationId), await admin.inside(conversationId)];
    const given = { message_permission: "moderators_plus", media_permission: "admins_only" };
    const more = { mention_permission: "admins_only", add_members_permission: "all_members" };
    const one = ([name, value]: [string, string]) => ({ metadata: { group_settings: { [name]: value } } });
    await Promise.all([
      ...Object.entries(given).map((each) => put(owner, conversationId, one(each))),
      ...Object.entries(more).map((each) => own.ask(conversationId, "update_conversation", one(each))),
    ]);
    expect(await metadataOf(owner, conversationId)).toEqual({
      name: "friends",
      group_settings: { ...given, ...more },
    });
    const heard = await hearsAll(watcher, conversationId, 4);
    const actors = new Map(heard.map(({ actor_id, changed }) => [String(changed), actor_id]));
    expect(actors).toEqual(
      new Map([
        ...Object.keys(given).map((name) => [`group_settings.${name}`, owner.id] as const),
        ...Object.keys(more).map((name) => [`group_settings.${name}`, admin.id] as const),
      ]),
    );
    expect(await refusal(watcher.send(conversationId, "closed"))).toContain("moderators_plus");
  });

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

describe("the owner of a group", () => {
  interface Seen {
    readonly user_id: string;
    readonly role: string;
  }
  async function membersOf({ rest }: Person, conversationId: string): Promise<readonly Seen[]> {
    const { body } = await rest.call("GET", `/conversations/${conversationId}/members`);
    return (body as { data: readonly Seen[] }).data;
  }
  const give = ({ rest }: Person, conversationId: string, { id }: Person, role: string) =>
    rest.call("PATCH", `/conversations/${conversationId}/members/${id}/role`, { role });
  const leave = ({ rest }: Person, conversationId: string) =>
    rest.call("POST", `/conversations/${conversationId}/leave`);

  test("is the heir with every right of an owner once the owner left, so that no right is lost", async () => {
    const { people: members, conversationId } = await people.group(4);
    const [anna, ben, carl, dora] = members as [Person, Person, Person, Person];
    await leave(anna, conversationId);
    const [heir] = (await membersOf(ben, conversationId)).filter(({ role }) => role === "owner");
    const owner = members.find(({ id }) => id === heir!.user_id)!;
    const [one, other] = [ben, carl, dora].filter((each) => each !== owner) as [Person, Person];
    await give(owner, conversationId, one, "admin");
    await give(owner, conversationId, one, "member");
    await give(owner, conversationId, other, "owner");
    expect(await membersOf(one, conversationId)).toContainEqual(
      expect.objectContaining({ user_id: owner.id, role: "admin" }),
    );
    await other.rest.call("DELETE", `/conversations/${conversationId}/members/${owner.id}`).catch(() => {});
    expect((await membersOf(other, conversationId)).map(({ user_id }) => user_id).sort()).toEqual(
      [one.id, other.id].sort(),
    );
  });

  test("is exactly one, whoever hands over and leaves at the same moment, and devices that listen agree with the list", async () => {
    for (let round = 0; round < 5; round++) {
      const { people: members, conversationId } = await people.group(6);
      const [owner, ...others] = members as [Person, ...Person[]];
      await Promise.all(others.slice(0, 2).map((each) => give(owner, conversationId, each, "admin")));
      const watcher = others[4]!;
      const device = await watcher.inside(conversationId);
      await Promise.allSettled([
        ...others.map((each) => give(owner, conversationId, each, "owner")),
        leave(owner, conversationId),
        ...others.slice(0, 3).map((each) => leave(each, conversationId)),
      ]);
      const now = await membersOf(watcher, conversationId);
      expect(now.map(({ role }) => role).filter((role) => role === "owner")).toHaveLength(1);
      const { body } = await watcher.rest.call("GET", `/conversations/${conversationId}/changes?since=0`);
      const { members: records } = (body as { data: { members: readonly (Seen & { is_active: boolean })[] } })
        .data;
      const roleIn = (list: readonly Seen[]) => new Map(list.map(({ user_id, role }) => [user_id, role]));
      expect(roleIn(records.filter(({ is_active }) => is_active))).toEqual(roleIn(now));
      const kept = new Map(members.map(({ id }) => [id, id === owner.id ? "owner" : "member"]));
      await eventually("the device has heard the last change", () => {
        for (const { payload } of device.events(
          "conversation_members_updated",
          `conversation:${conversationId}`,
        )) {
          const heard = payload as unknown as Seen & { readonly member: { readonly is_active: boolean } };
          if (heard.member.is_active) kept.set(heard.user_id, heard.role);
          else kept.delete(heard.user_id);
        }
        return Bun.deepEquals(kept, new Map(roleIn(now)));
      });
    }
  }, 120_000);
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
