import { afterEach, beforeEach, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture, refused } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";
const carl = "0192a7c0-0000-7000-8000-00000000000c";
const nowhere = "0192a7c0-0000-7000-8000-0000000000ff";

let web: Fixture;
let id: string;
let messageId: string;
beforeEach(async () => {
  web = new Fixture({ clock: new VirtualClock() });
  id = await web.conversationOf(anna, ben);
  await web.sent(anna, id, "before");
  messageId = await web.sent(anna, id, "hello");
  await web.sent(anna, id, "after");
});
afterEach(() => web.stop());

const shown = (as: string, message = messageId) => web.ask(as, "GET", `/messages/${message}`);

test("a member sees one message by its id alone, as it stands in the history", async () => {
  const { status, body } = await shown(ben);
  expect([status, body]).toMatchObject([
    200,
    { data: { id: messageId, seq: 2, content: "hello" }, meta: {} },
  ]);
  const { body: history } = await web.ask(ben, "GET", `/conversations/${id}/messages`);
  const { data } = history as { data: readonly { readonly id: string }[] };
  expect((body as { data: unknown }).data).toEqual(data.find((each) => each.id === messageId));
});

test("its sender sees how far it has come", async () => {
  expect(await shown(anna)).toMatchObject({ status: 200, body: { data: { status: "sent" } } });
  await web.ask(ben, "PATCH", `/messages/${messageId}/receipt`, { status: "read" });
  expect(await shown(anna)).toMatchObject({ status: 200, body: { data: { status: "read" } } });
});

test("I8: to strangers it looks like a message that does not exist, and so does an id that is none", async () => {
  const unknown = await shown(carl, nowhere);
  expect(unknown).toMatchObject(refused(404, "not_found"));
  expect(await shown(carl)).toEqual(unknown);
  expect(await shown(carl, "none")).toEqual(unknown);
});
