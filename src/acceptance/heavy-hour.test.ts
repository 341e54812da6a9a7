import { expect, test } from "bun:test";
import { newId } from "../system.ts";
import { ExistingClient } from "../testing/clients/existing-client.ts";
import { VirtualClock } from "../testing/clock.ts";
import { defaultLimits, limitsAsDefault } from "../testing/costs/default-limits.ts";
import { startInProcess } from "../testing/processes/in-process.ts";
import { Fixture } from "../testing/web/fixture.ts";
import { tokenOf } from "../testing/web/open-tokens.ts";

/** That the limits refuse nothing of what the existing client does at its heaviest, with every setting as it is by default. */

const conversations = 500;

test("an hour of the existing client's heaviest habits on two devices is refused nothing", async () => {
  const clock = new VirtualClock();
  const web = new Fixture({ clock, limits: defaultLimits(), settings: { maxSocketsPerUser: 100 } });
  const userId = newId();
  const clientOf = (as: string) =>
    new ExistingClient({ url: web.url, token: tokenOf({ userId: as }), userId: as });
  const [phone, tablet, friend] = [clientOf(userId), clientOf(userId), clientOf(newId())];
  const ids: string[] = [];
  while (ids.length < conversations) ids.push(await web.conversationOf(newId(), userId));
  const chat = await web.conversationOf(friend.userId, userId);
  for (let each = 0; each < 60; each++) await friend.send(chat, `hello ${each}`);
  const group = await web.groupOf(
    userId,
    Array.from({ length: 59 }, () => newId()),
  );
  const all = [...ids, chat, group];
  /** A mark that follows another one within a second is answered after that second, which only virtual time ends. */
  const open = async (client: ExistingClient) => {
    const opened = client.open(chat).then(() => "opened" as const);
    for (;;) {
      const late = Promise.withResolvers<"late">();
      const timer = setTimeout(() => late.resolve("late"), 200);
      const first = await Promise.race([opened, late.promise]);
      clearTimeout(timer);
      if (first === "opened") return;
      await clock.runFor(1_000);
    }
  };
  await Promise.all([phone.connect(all), tablet.connect(all), friend.connect([chat])]);
  const due = (second: number, every: number, at = 0) => second % every === at;
  for (let second = 0; second < 3_600; second += 5) {
    // The list is polled every 2.5 s while it is seen.
    await Promise.all([phone.list(), phone.list(), tablet.list(), tablet.list()]);
    // A train through tunnels: a line that is lost four times a minute, for one minute of each twenty.
    if (second % 1_200 < 60 && due(second, 15)) await phone.connect(all);
    if (due(second, 60)) await open(phone);
    // Somebody looks for something: a chat is opened every five seconds, for a minute.
    if (second % 1_800 >= 600 && second % 1_800 < 660) await open(tablet);
    if (due(second, 900, 300)) await phone.count(chat);
    const message = await phone.write(chat, `a sentence ${second}`);
    if (due(second, 20))
      await phone.ask("PUT", `/messages/${message}`, { content: "better", conversation_id: chat });
    if (due(second, 10)) await phone.ask("POST", `/messages/${message}/reactions`, { reaction: "👍" });
    if (due(second, 20, 10)) await phone.sendMedia(chat);
    if (due(second, 60))
      await phone.ask("DELETE", `/messages/${message}?conversation_id=${chat}&delete_for_everyone=true`);
    // 200 that were written without a line.
    if (due(second, 1_800, 1_500)) {
      await clock.runFor(120_000);
      await phone.drain(chat, 200);
      await clock.runFor(120_000);
    }
    // A class is brought into a group, one by one.
    if (second === 1_800)
      for (let each = 0; each < 40; each++)
        await phone.ask("POST", `/conversations/${group}/members`, { user_id: newId() });
    await clock.runFor(5_000);
  }
  expect([...phone.refusals, ...tablet.refusals, ...friend.refusals]).toEqual([]);
  expect(web.refused).toEqual([]);
  expect(phone.answered + tablet.answered).toBeGreaterThan(30_000);
  for (const client of [phone, tablet, friend]) client.close();
  await web.stop();
}, 300_000);

test("its heaviest moment, all at once on the whole server, is refused nothing", async () => {
  await using server = await startInProcess(limitsAsDefault);
  const clientOf = async (userId: string) =>
    new ExistingClient({ url: server.url, token: await server.token(userId, { deviceId: "phone" }), userId });
  const [anna, ben] = await Promise.all([clientOf(newId()), clientOf(newId())]);
  const directWith = async (other_user_id: string) => {
    const made = (await anna.ask("POST", "/conversations", { type: "direct", other_user_id })) as {
      id: string;
    };
    return made.id;
  };
  const ids: string[] = [];
  while (ids.length < conversations)
    ids.push(...(await Promise.all(Array.from({ length: 50 }, () => directWith(newId())))));
  const chat = await directWith(ben.userId);
  for (let each = 0; each < 60; each++) await ben.send(chat, `hello ${each}`);
  await anna.connect([...ids, chat]);
  await Promise.all([anna.open(chat), anna.list(), anna.list(), anna.drain(chat, 200)]);
  await Promise.all([anna.connect([...ids, chat]), ben.connect([chat])]);
  expect([...anna.refusals, ...ben.refusals]).toEqual([]);
  for (const client of [anna, ben]) client.close();
}, 300_000);
