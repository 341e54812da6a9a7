import { describe, expect, test } from "bun:test";
import type { Device } from "../testing/clients/device.ts";
import { untilHeard } from "../testing/clients/heard-by.ts";
import { createGroup, type Person } from "../testing/clients/people.ts";
import { peopleOnServer } from "../testing/clients/people-on-server.ts";
import { eventually } from "../testing/eventually.ts";

/** First contact as a request, which is a setting: `FIRST_CONTACT=request`. */

const { people } = peopleOnServer({ FIRST_CONTACT: "request" });

const call = ({ rest }: Person, conversationId: string, act: string, body?: object) =>
  rest.call("POST", `/conversations/${conversationId}/${act}`, body);
const write = (person: Person, conversationId: string) =>
  call(person, conversationId, "messages", { content: "hello" });
const statusOf = (asked: Promise<{ status: number }>) =>
  asked.then(
    ({ status }) => status,
    (error: Error) => Number(/: (\d+) /.exec(error.message)![1]),
  );

/** The state of each conversation in the list of a user, by its id. */
async function statesOf({ rest }: Person): Promise<Readonly<Record<string, string>>> {
  const { body } = await rest.call("GET", "/conversations");
  const { data } = body as { data: { id: string; state: string }[] };
  return Object.fromEntries(data.map(({ id, state }) => [id, state]));
}

/** What a device heard of requests on its user's topic. */
const requestsOf = ({ heard, userChannel: { topic } }: Device) =>
  heard
    .filter((each) => each.topic === topic && each.event.startsWith("conversation_request"))
    .map(({ event, payload }) => [event, payload.conversation_id]);

async function asked(): Promise<{ anna: Person; ben: Person; hers: Device; his: Device; id: string }> {
  const [anna, ben] = (await people.many(2)) as [Person, Person];
  const [hers, his] = [await anna.online(), await ben.online()];
  const id = await anna.rest.createDirect(ben.id);
  return { anna, ben, hers, his, id };
}

describe("a direct conversation with somebody who does not know the creator", () => {
  test("is a request to them, by whom it is said; the asker sees nothing of them, and can write three messages", async () => {
    const { anna, ben, hers, his, id } = await asked();
    const { payload } = await his.hears("conversation_request");
    expect(payload).toEqual({ conversation_id: id, actor_id: anna.id });
    expect([await statesOf(anna), await statesOf(ben)]).toEqual([{ [id]: "active" }, { [id]: "request" }]);
    expect([requestsOf(hers), his.events("conversation_created")]).toEqual([[], []]);
    await hers.openConversation(id);
    await his.openConversation(id);
    for (let sent = 1; sent <= 3; sent++) expect(await statusOf(write(anna, id))).toBe(201);
    expect(await statusOf(write(anna, id))).toBe(403);
    await his.keeps(id, 3);
    await his.ask(id, "message_read", { seq: 3 });
    await his.askUser("message_delivered", { conversation_id: id, seq: 3 });
    await his.ask(id, "user_typing", { typing: true });
    const { body } = await anna.rest.call("GET", `/conversations/${id}/messages`);
    expect((body as { data: { status: string }[] }).data.map(({ status }) => status)).toEqual(
      Array(3).fill("sent"),
    );
    await untilHeard(hers);
    const told = hers.heard.filter(({ event }) =>
      /delivery_status|message_read|user_typing|presence/.test(event),
    );
    expect(JSON.stringify(told)).not.toContain(ben.id);
  }, 60_000);

  test.each([
    ["by saying so", (ben: Person, id: string) => call(ben, id, "accept")],
    ["by writing", write],
  ])(
    "is accepted %s: both hear it, and see and hear each other from then on",
    async (_, accept) => {
      const { anna, ben, hers, his, id } = await asked();
      await hers.openConversation(id);
      await his.openConversation(id);
      await accept(ben, id);
      const heard = await hers.hears("conversation_request_accepted");
      expect(heard.payload).toMatchObject({ conversation_id: id, user_id: ben.id });
      await his.hears("conversation_request_accepted");
      expect(await statesOf(ben)).toEqual({ [id]: "active" });
      await eventually("anna to see ben", () =>
        hers.heard.some(
          ({ event, payload }) => event === "presence_diff" && JSON.stringify(payload).includes(ben.id),
        ),
      );
      const { seq } = await hers.send(id, "welcome");
      await his.ask(id, "message_read", { seq });
      await hers.hears("message_read");
      for (let sent = 1; sent <= 4; sent++) expect(await statusOf(write(anna, id))).toBe(201);
      expect(await statusOf(call(ben, id, "accept"))).toBe(200);
      expect(await statusOf(call(ben, id, "decline"))).toBe(409);
      expect([...hers.violations, ...his.violations]).toEqual([]);
    },
    60_000,
  );

  test("is declined: it is gone for them for good, nobody writes in it, and they alone can begin it again", async () => {
    const { anna, ben, hers, his, id } = await asked();
    expect(await statusOf(call(anna, id, "decline"))).toBe(409);
    await call(ben, id, "decline");
    const heard = await hers.hears("conversation_request_declined");
    expect(heard.payload).toMatchObject({ conversation_id: id, user_id: ben.id });
    await his.hears("conversation_request_declined");
    expect(await statesOf(ben)).toEqual({});
    expect(await statusOf(write(anna, id))).toBe(403);
    expect(await statusOf(write(ben, id))).toBe(404);
    expect(await anna.rest.createDirect(ben.id)).toBe(id);
    expect(await statesOf(ben)).toEqual({});
    expect(await ben.rest.createDirect(anna.id)).toBe(id);
    expect(await statesOf(ben)).toEqual({ [id]: "active" });
    expect([await statusOf(write(anna, id)), await statusOf(write(ben, id))]).toEqual([201, 201]);
  }, 60_000);

  test("is none to users who know them: they chose to be in a conversation in which the creator is", async () => {
    const [anna, ben] = (await people.many(2)) as [Person, Person];
    const group = await createGroup([anna, ben]);
    expect(await statesOf(ben)).toEqual({ [group]: "request" });
    await call(ben, group, "accept");
    const id = await anna.rest.createDirect(ben.id);
    expect(await statesOf(ben)).toEqual({ [group]: "active", [id]: "active" });
  });
});

describe("a group", () => {
  test("is a request to each member who does not know who adds them, and goes on meanwhile", async () => {
    const [anna, ben, carl] = (await people.many(3)) as [Person, Person, Person];
    const device = await carl.online();
    const id = await createGroup([anna, ben]);
    await call(ben, id, "accept");
    await call(anna, id, "members", { user_ids: [carl.id] });
    await device.hears("conversation_request");
    expect([await statesOf(ben), await statesOf(carl)]).toEqual([{ [id]: "active" }, { [id]: "request" }]);
    for (let sent = 0; sent < 5; sent++) expect(await statusOf(write(anna, id))).toBe(201);
    expect(await statusOf(write(ben, id))).toBe(201);
    await call(carl, id, "decline");
    expect(await statesOf(carl)).toEqual({});
    expect(await statusOf(call(anna, id, "members", { user_ids: [carl.id] }))).toBe(409);
    await call(carl, id, "allow-readding");
    expect(await statusOf(call(anna, id, "members", { user_ids: [carl.id] }))).toBe(201);
  }, 60_000);
});
