import { expect, test } from "bun:test";
import { newId } from "../system.ts";
import type { Person } from "../testing/clients/people.ts";
import { peopleOnServer } from "../testing/clients/people-on-server.ts";

/** Groups of many members: what one command or one join costs everybody else is bounded. On a whole server. */

const { people } = peopleOnServer();

const strangers = (count: number) => Array.from({ length: count }, () => newId());

async function groupOf(owner: Person, userIds: readonly string[]): Promise<string> {
  const body = { type: "group", name: "many", user_ids: userIds };
  const created = await owner.rest.call("POST", "/conversations", body);
  return (created.body as { data: { id: string } }).data.id;
}

test("a join with a cursor brings some marks of a large group, the reader's own first, and all of a smaller one", async () => {
  const owner = await people.one();
  const [large, small] = [await groupOf(owner, strangers(300)), await groupOf(owner, strangers(199))];
  const phone = await owner.online();
  const cursor = { since_seq: 0, since_rev: 0 };
  const ofLarge = await phone.openConversation(large, cursor);
  const marks = ofLarge.marks as { user_id: string }[];
  expect([marks.length, marks[0]!.user_id, ofLarge.marks_complete]).toEqual([200, owner.id, false]);
  const ofSmall = await phone.openConversation(small, cursor);
  expect((ofSmall.marks as unknown[]).length).toBe(200);
  expect(ofSmall).not.toHaveProperty("marks_complete");
  const whole = await owner.rest.call("GET", `/conversations/${large}/changes?since=${ofLarge.head_rev}`);
  expect((whole.body as { meta: { marks: unknown[] } }).meta.marks.length).toBe(301);
});

test("members who are added at once are told of in one push on each topic, which names all of them", async () => {
  const [owner, bob] = (await people.many(2)) as [Person, Person];
  const conversationId = await groupOf(owner, [bob.id]);
  const device = await bob.inside(conversationId);
  const carol = await people.one();
  const carols = await carol.online();
  const added = [carol.id, ...strangers(599)];
  await owner.rest.call("POST", `/conversations/${conversationId}/members`, { user_ids: added });
  await owner.rest.call("POST", `/conversations/${conversationId}/messages`, { content: "welcome" });
  await device.hears("new_message", `conversation:${conversationId}`);
  await carols.hears("new_message");
  const told = device.heard.filter(({ event }) => event === "conversation_members_updated");
  expect(told.map(({ topic }) => topic).sort()).toEqual([`conversation:${conversationId}`, `user:${bob.id}`]);
  for (const { payload } of [
    ...told,
    ...carols.heard.filter(({ event }) => event.endsWith("members_updated")),
  ])
    expect(payload).toMatchObject({
      conversation_id: conversationId,
      event: "member_added",
      actor_id: owner.id,
      user_id: carol.id,
      user_ids: added,
      role: "member",
    });
});

test("a member who is added alone is told of as ever, without a list", async () => {
  const [owner, bob] = (await people.many(2)) as [Person, Person];
  const conversationId = await groupOf(owner, [bob.id]);
  const device = await bob.inside(conversationId);
  const [added] = strangers(1);
  await owner.rest.call("POST", `/conversations/${conversationId}/members`, { user_ids: [added] });
  const { payload } = await device.hears("conversation_members_updated");
  expect(payload).toMatchObject({ event: "member_added", user_id: added, member: { user_id: added } });
  expect(payload).not.toHaveProperty("user_ids");
});
