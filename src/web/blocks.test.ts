import { afterEach, beforeEach, expect, test } from "bun:test";
import { VirtualClock } from "../testing/clock.ts";
import { Fixture } from "../testing/web/fixture.ts";

const anna = "0192a7c0-0000-7000-8000-00000000000a";
const ben = "0192a7c0-0000-7000-8000-00000000000b";

let web: Fixture;
let conversationId: string;
beforeEach(async () => {
  web = new Fixture({ clock: new VirtualClock() });
  conversationId = await web.conversationOf(anna, ben);
});
afterEach(() => web.stop());

for (const isLost of [false, true])
  test(`I8: who is blocked is not told of it${isLost ? ", nor of what the other one did since, when the frame that tells of it was lost" : ""}`, async () => {
    const [hers, his] = [await web.socketOf(anna), await web.socketOf(ben)];
    for (const wire of [hers, his]) await wire.join(`conversation:${conversationId}`);
    await his.join(`user:${ben}`);
    if (isLost) web.bus.hold();
    await web.block(anna, ben);
    web.bus.lose();
    await web.ask(anna, "PUT", `/conversations/${conversationId}`, { metadata: { theme: 2 } });
    expect(await hers.broadcasts(`conversation:${conversationId}`, 2)).toMatchObject([
      { rev: 1, user_id: ben, member: { is_active: false } },
      { rev: 2, conversation: { metadata: { theme: 2 } } },
    ]);
    // Frames keep their order: what was told before this reply has arrived with it.
    await his.push("phoenix", "heartbeat", "{}");
    expect(await his.broadcasts(`user:${ben}`, 0)).toEqual([{}]);
    expect(JSON.stringify(await his.broadcasts(`conversation:${conversationId}`, 0))).not.toContain("rev");
    expect(web.bugs).toEqual([]);
  });

test("who is unblocked hears of it, and both find each other in the conversation as before", async () => {
  const his = await web.socketOf(ben);
  await his.join(`user:${ben}`);
  await web.block(anna, ben);
  const ids = async (as: string) => {
    const { body } = await web.ask(as, "GET", `/conversations/${conversationId}`);
    return (body as { data: { member_user_ids: string[] } }).data.member_user_ids;
  };
  expect(await ids(anna)).toEqual([anna, ben]);
  await web.block(anna, ben, false);
  expect(await his.broadcasts(`user:${ben}`, 2)).toMatchObject([
    {},
    { rev: 2, event: "member_added", user_id: ben, actor_id: anna, member: { is_active: true } },
  ]);
  expect(await ids(ben)).toEqual([anna, ben]);
});
