import { describe, expect, test } from "bun:test";
import type { Device } from "../testing/clients/device.ts";
import type { JoinReply, KeptMessage } from "../testing/clients/device-types.ts";
import { untilHeard } from "../testing/clients/heard-by.ts";
import { createGroup, type Person } from "../testing/clients/people.ts";
import { peopleOnServer } from "../testing/clients/people-on-server.ts";
import { eventually } from "../testing/eventually.ts";

/** What a device gets after it was away: by the topic of its user, by a conversation's, and by REST. On a whole server. */

const { people, server } = peopleOnServer();

/** Over REST, so that nobody needs a socket for it. */
async function post(person: Person, conversationId: string, content: string): Promise<KeptMessage> {
  const path = `/conversations/${conversationId}/messages`;
  const { body } = await person.rest.call("POST", path, { content });
  return (body as { data: KeptMessage }).data;
}

async function postMany(person: Person, conversationId: string, texts: readonly string[]) {
  const sent: KeptMessage[] = [];
  for (const text of texts) sent.push(await post(person, conversationId, text));
  return sent;
}

function numbered(text: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${text} ${index + 1}`);
}

function edit(person: Person, { id, conversation_id }: KeptMessage, content: string) {
  return person.rest.call("PUT", `/messages/${id}?conversation_id=${conversation_id}`, { content });
}

function erase(person: Person, { id, conversation_id }: KeptMessage) {
  const query = `conversation_id=${conversation_id}&delete_for_everyone=true`;
  return person.rest.call("DELETE", `/messages/${id}?${query}`);
}

function add(admin: Person, conversationId: string, member: Person) {
  return admin.rest.call("POST", `/conversations/${conversationId}/members`, { user_id: member.id });
}

async function remove(admin: Person, conversationId: string, member: Person): Promise<void> {
  const response = await fetch(`${server.url}/api/v1/conversations/${conversationId}/members/${member.id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${await server.token(admin.id)}` },
  });
  expect(response.status).toBe(204);
}

interface ChangesBody {
  readonly data: {
    readonly messages: KeptMessage[];
    readonly members: { user_id: string; is_active: boolean }[];
  };
  readonly meta: {
    readonly next_since: number;
    readonly head_rev: number;
    readonly has_more: boolean;
    readonly generation: number;
    readonly marks: unknown[];
  };
}

async function changes(person: Person, conversationId: string, query: string): Promise<ChangesBody> {
  const { body } = await person.rest.call("GET", `/conversations/${conversationId}/changes?${query}`);
  return body;
}

/** The pages that came, each as the contents of its messages. */
function pagesOf(device: Device): string[][] {
  return device
    .events("pending_messages")
    .map(({ payload }) => (payload.messages as KeptMessage[]).map(({ content }) => content));
}

/** Forgets what was heard, not what was kept. */
function listenAnew(device: Device): void {
  device.heard.length = 0;
}

async function isLog(device: Device, person: Person, conversationId: string): Promise<void> {
  const essence = ({ id, seq, rev, content }: KeptMessage) => ({ id, seq, rev, content });
  const log = (await person.rest.history(conversationId)) as unknown as KeptMessage[];
  expect(device.messages(conversationId).map(essence)).toEqual(log.map(essence));
}

describe("a device on the topic of its user", () => {
  test("starts at the heads when it is seen for the first time, and hears what comes", async () => {
    const { alice, bob, conversationId } = await people.pair();
    await postMany(alice, conversationId, ["before", "it was there"]);
    const phone = await bob.device();
    const joined = await phone.connect();
    expect(joined).toMatchObject({ user_id: bob.id, device_id: "phone", generation: 1, resumed: true });
    await post(alice, conversationId, "now");
    await phone.hears("new_message");
    expect(phone.userEvents).toEqual(["caught_up", "new_message"]);
    expect(phone.contents(conversationId)).toEqual(["now"]);
  });

  test("gets what it missed in order of seq, then caught_up; and so does each other device, separately", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const phone = await bob.online("phone");
    const tablet = await bob.online("tablet");
    await phone.disconnect();
    await postMany(alice, conversationId, ["one", "two"]);
    await tablet.keeps(conversationId, 2);
    await tablet.proves();
    await tablet.disconnect();
    await postMany(alice, conversationId, ["three", "four"]);
    for (const device of [phone, tablet]) listenAnew(device);
    await Promise.all([phone.connect(), tablet.connect()]);
    expect(phone.userEvents).toEqual(["pending_messages", "caught_up"]);
    expect(tablet.userEvents).toEqual(["pending_messages", "caught_up"]);
    expect(pagesOf(phone)).toEqual([["one", "two", "three", "four"]]);
    expect(pagesOf(tablet)).toEqual([["three", "four"]]);
    for (const device of [phone, tablet]) {
      await isLog(device, bob, conversationId);
      expect(device.violations).toEqual([]);
    }
  });

  test("gets edits and deletions of messages that it had, each message once and as it is now", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const phone = await bob.online();
    const sent = await postMany(alice, conversationId, ["edit me", "delete me", "leave me"]);
    await phone.keeps(conversationId, 3);
    await phone.proves();
    await phone.disconnect();
    listenAnew(phone);
    await edit(alice, sent[0]!, "edited once");
    await erase(alice, sent[1]!);
    await edit(alice, sent[0]!, "edited twice");
    const [fourth] = await postMany(alice, conversationId, ["new and edited"]);
    await edit(alice, fourth!, "new, and was edited");
    await phone.connect();
    expect(pagesOf(phone)).toEqual([["edited twice", "", "new, and was edited"]]);
    expect(phone.messages(conversationId)[1]).toMatchObject({ is_deleted: true, content: "" });
    await isLog(phone, bob, conversationId);
    expect(phone.violations).toEqual([]);
  });

  test("gets its conversations one after the other, in pages of 100", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const group = await createGroup([alice, bob]);
    const phone = await bob.online();
    await phone.disconnect();
    listenAnew(phone);
    const texts = { [conversationId]: numbered("direct", 130), [group]: numbered("group", 120) };
    for (const [id, each] of Object.entries(texts)) await postMany(alice, id, each);
    await phone.connect();
    const pages = pagesOf(phone);
    expect(pages.map(({ length }) => length)).toEqual([100, 100, 50]);
    const inOrder = Object.keys(texts)
      .sort()
      .flatMap((id) => texts[id]!);
    expect(pages.flat()).toEqual(inOrder);
    expect(phone.violations).toEqual([]);
  }, 180_000);

  test("hears what happens while it catches up after what it missed, and nothing twice", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const phone = await bob.online();
    await phone.disconnect();
    listenAnew(phone);
    await Promise.all(numbered("missed", 350).map((text) => sender.send(conversationId, text)));
    const [first] = sender.messages(conversationId);
    let goesOn = true;
    const sending = (async () => {
      for (let n = 1; goesOn; n++) {
        await sender.send(conversationId, `meanwhile ${n}`);
        if (n % 5 === 0)
          await sender.ask(conversationId, "edit_message", { message_id: first!.id, content: `edit ${n}` });
      }
    })();
    await phone.connect();
    await phone.hears("new_message");
    goesOn = false;
    await sending;
    const last = await sender.send(conversationId, "last");
    await phone.keeps(conversationId, last.seq);

    const events = phone.userEvents;
    const caughtUp = events.indexOf("caught_up");
    expect(new Set(events.slice(0, caughtUp))).toEqual(new Set(["pending_messages"]));
    expect(events.slice(caughtUp + 1)).not.toContain("pending_messages");
    expect(phone.violations).toEqual([]);
    await isLog(phone, bob, conversationId);
  }, 180_000);

  test("gets on its next socket only what it did not prove to have", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const phone = await bob.online();
    await postMany(alice, conversationId, ["proved 1", "proved 2"]);
    await phone.keeps(conversationId, 2);
    await phone.proves();
    await phone.disconnect();
    listenAnew(phone);
    await phone.connect();
    expect(phone.userEvents).toEqual(["caught_up"]);

    phone.freeze();
    await postMany(alice, conversationId, ["lost in the ice 1", "lost in the ice 2"]);
    listenAnew(phone);
    phone.cut();
    await phone.hears("caught_up");
    expect(pagesOf(phone)).toEqual([["lost in the ice 1", "lost in the ice 2"]]);
    expect(phone.violations).toEqual([]);
    expect(phone.provedAgain).toBe(0);
  });

  test("gets nothing proved again while its last socket only seems to be there, as when it changes networks", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const phone = await bob.online();
    await postMany(alice, conversationId, ["proved 1", "proved 2"]);
    await phone.keeps(conversationId, 2);
    await phone.proves();
    phone.freeze();
    await post(alice, conversationId, "into the dead socket");
    const moved = await bob.online();
    expect(pagesOf(moved)).toEqual([["into the dead socket"]]);
    expect(moved.userEvents).toEqual(["pending_messages", "caught_up"]);
    phone.cut();
  });

  test("is not sent proved messages again when the last thing that it proved was an edit", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const phone = await bob.online();
    const sent = await postMany(alice, conversationId, ["one", "two", "three"]);
    await phone.keeps(conversationId, 3);
    await phone.proves();
    await edit(alice, sent[0]!, "one, edited");
    await phone.hears("message_edited");
    await phone.proves();
    await phone.disconnect();
    listenAnew(phone);
    await phone.connect();
    expect(phone.userEvents).toEqual(["caught_up"]);
    expect(phone.provedAgain).toBe(0);
  });

  test("gets what it says that it lacks: weeks offline, restored from an old copy, a cursor of its own wins", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const phone = await bob.online();
    const sent = await postMany(alice, conversationId, numbered("week", 12));
    await phone.keeps(conversationId, 12);
    await edit(alice, sent[1]!, "week 2, edited");
    await phone.hears("message_edited");
    await phone.proves();
    await phone.disconnect();
    phone.goBack(() => 4);
    expect(phone.contents(conversationId)).toHaveLength(4);
    listenAnew(phone);
    expect(await phone.connect()).toMatchObject({ resumed: true });
    expect(pagesOf(phone)).toEqual([["week 2, edited", ...numbered("week", 12).slice(4)]]);
    await isLog(phone, bob, conversationId);

    await phone.proves();
    await phone.disconnect();
    phone.goBack(() => 0);
    listenAnew(phone);
    await phone.connect();
    await isLog(phone, bob, conversationId);
    expect(phone.violations).toEqual([]);
  });

  test("gets conversations that were made while it was away from their beginning", async () => {
    const { alice, bob } = await people.pair();
    const phone = await bob.online();
    await phone.disconnect();
    listenAnew(phone);
    const group = await createGroup([alice, bob]);
    await postMany(alice, group, ["welcome", "to the group"]);
    await phone.connect();
    expect(pagesOf(phone)).toEqual([["welcome", "to the group"]]);
  });

  test("gets no backlog without a device in its token, and works", async () => {
    const { alice, bob, conversationId } = await people.pair();
    await post(alice, conversationId, "before");
    const nameless = await bob.device(null);
    for (const socket of [1, 2]) {
      listenAnew(nameless);
      expect(await nameless.connect()).toMatchObject({ device_id: null, resumed: true });
      await post(alice, conversationId, `live on socket ${socket}`);
      await nameless.hears("new_message");
      expect(nameless.userEvents).toEqual(["caught_up", "new_message"]);
      await nameless.disconnect();
      await post(alice, conversationId, "without a socket");
    }
  });
});

describe("a join of a conversation with a cursor", () => {
  const cursorOf = (reply: JoinReply) => ({
    since_seq: reply.head_seq,
    since_rev: reply.head_rev,
    generation: reply.generation,
  });

  test("is answered with the difference, empty when there is none", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sent = await postMany(alice, conversationId, ["one", "two"]);
    const phone = await bob.online();
    const first = await phone.openConversation(conversationId);
    expect(first).toMatchObject({
      head_seq: 2,
      head_rev: 2,
      generation: 1,
      conversation: { type: "direct" },
    });
    expect(first).not.toHaveProperty("resumed");

    const idle = await bob.online("idle");
    const nothing = await idle.openConversation(conversationId, cursorOf(first));
    expect(nothing).toMatchObject({ resumed: true, changes: { messages: [], members: [] } });

    await edit(alice, sent[0]!, "one, edited");
    await post(alice, conversationId, "three");
    const tablet = await bob.online("tablet");
    const resumed = await tablet.openConversation(conversationId, cursorOf(first));
    expect(resumed).toMatchObject({ resumed: true, head_seq: 3, head_rev: 4 });
    const { messages } = resumed.changes as { messages: KeptMessage[] };
    expect(messages.map(({ seq, content }) => [seq, content])).toEqual([
      [1, "one, edited"],
      [3, "three"],
    ]);
    const marked = (resumed.marks as { user_id: string }[]).map(({ user_id }) => user_id);
    expect(marked.sort()).toEqual([alice.id, bob.id].sort());
  });

  test("says that it cannot resume when the difference is longer than 500, and not at 500", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const sendMany = (count: number) =>
      Promise.all(numbered("message", count).map((text) => sender.send(conversationId, text)));
    await sendMany(1);
    const phone = await bob.online();
    const cursor = cursorOf(await phone.openConversation(conversationId));
    await sendMany(500);
    const tablet = await bob.online("tablet");
    const whole = await tablet.openConversation(conversationId, cursor);
    expect(whole).toMatchObject({ resumed: true });
    expect((whole.changes as { messages: unknown[] }).messages).toHaveLength(500);
    await sendMany(1);
    const late = await bob.online("late");
    const tooLong = await late.openConversation(conversationId, cursor);
    expect(tooLong).toMatchObject({ resumed: false, head_seq: 502, head_rev: 502 });
    expect(tooLong).not.toHaveProperty("changes");
  }, 180_000);

  test("that is from beyond the head cannot be resumed", async () => {
    const { alice, bob, conversationId } = await people.pair();
    await post(alice, conversationId, "one");
    const phone = await bob.online();
    const reply = await phone.openConversation(conversationId, { since_seq: 7, since_rev: 7 });
    expect(reply).toMatchObject({ resumed: false, head_seq: 1 });
  });
});

describe("GET changes", () => {
  test("page after page brings every device to the log, whatever the size of the pages", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sent = await postMany(alice, conversationId, numbered("message", 20));
    for (const at of [2, 5, 11]) await edit(alice, sent[at]!, `edited ${at}`);
    await erase(alice, sent[7]!);
    await postMany(bob, conversationId, numbered("answer", 3));
    const log = (await bob.rest.history(conversationId)) as unknown as KeptMessage[];
    for (const limit of [1, 3, 7, 500]) {
      const kept = new Map<number, KeptMessage>();
      for (let since = 0, hasMore = true; hasMore; ) {
        const page = await changes(bob, conversationId, `since=${since}&limit=${limit}`);
        for (const message of page.data.messages) kept.set(message.seq, message);
        expect(page.meta).toMatchObject({ head_rev: 27, generation: 1 });
        since = page.meta.next_since;
        hasMore = page.meta.has_more;
      }
      const ofDevice = [...kept.values()].sort((one, other) => one.seq - other.seq);
      expect(ofDevice).toEqual(log);
    }
  }, 180_000);

  test("answers cursor_expired where it cannot be resumed", async () => {
    const { bob, conversationId } = await people.pair();
    await expect(changes(bob, conversationId, "since=99")).rejects.toThrow(/410.*cursor_expired/);
  });
});

describe("members who come and go", () => {
  test("who is removed hears nothing numbered after it, on no topic of open sockets, and cannot join again", async () => {
    const { people: members, conversationId } = await people.group(3);
    const [alice, bob, carol] = members as [Person, Person, Person];
    const both = await bob.inside(conversationId, "both");
    const onlyUser = await bob.online("only user");
    const carols = await carol.inside(conversationId);
    const before = await post(alice, conversationId, "bob is here");
    for (const device of [both, onlyUser]) await device.keeps(conversationId, 1);
    await remove(alice, conversationId, bob);
    const after = await postMany(alice, conversationId, ["bob is gone", "he must not know"]);
    await edit(alice, before, "nor this");
    await carols.hears("message_edited");
    await carols.keeps(conversationId, 3);

    for (const device of [both, onlyUser]) {
      expect((await device.hears("conversation_members_updated")).payload).toMatchObject({
        conversation_id: conversationId,
        event: "member_removed",
        user_id: bob.id,
      });
      await untilHeard(device);
      const text = JSON.stringify(device.heard);
      for (const { id } of after) expect(text).not.toContain(id);
      expect(text).not.toContain("nor this");
    }
    await eventually("the topic to be closed", () => both.conversation(conversationId).state === "closed");
    await expect(onlyUser.openConversation(conversationId)).rejects.toThrow("not_authorized");
    await expect(changes(bob, conversationId, "since=0")).rejects.toThrow("404");
  });

  test("who is added later sees from then on; who was away and came back is told that he cannot resume", async () => {
    const { people: members, conversationId } = await people.group(2);
    const [alice, bob] = members as [Person, Person];
    const dave = await people.one();
    await postMany(alice, conversationId, ["before dave 1", "before dave 2"]);
    const daves = await dave.online();
    const bobs = await bob.online();
    await add(alice, conversationId, dave);
    await daves.hears("conversation_members_updated");
    await post(alice, conversationId, "hello dave");
    await daves.keeps(conversationId, 1);
    await daves.proves();
    expect(daves.contents(conversationId)).toEqual(["hello dave"]);
    const cursor = { since_seq: 3, since_rev: 4 };
    await daves.disconnect();

    await remove(alice, conversationId, dave);
    await post(alice, conversationId, "without dave");
    await add(alice, conversationId, dave);
    await post(alice, conversationId, "dave again");
    listenAnew(daves);
    await daves.connect();
    expect(daves.userEvents).toEqual(["cursor_expired", "caught_up"]);
    expect(daves.events("cursor_expired")[0]!.payload).toMatchObject({
      conversation_id: conversationId,
      head_seq: 5,
    });
    const reply = await daves.openConversation(conversationId, cursor);
    expect(reply).toMatchObject({ resumed: false, head_seq: 5 });
    await expect(changes(dave, conversationId, "since=4")).rejects.toThrow("410");
    const fresh = await changes(dave, conversationId, "since=0");
    expect(fresh.data.messages.map(({ content }) => content)).toEqual(["dave again"]);

    await post(alice, conversationId, "and live");
    await eventually("the live message", () => daves.contents(conversationId).includes("and live"));
    await daves.proves();
    await daves.disconnect();
    listenAnew(daves);
    await daves.connect();
    expect(daves.userEvents).toEqual(["caught_up"]);
    expect(JSON.stringify(daves.heard)).not.toContain("without dave");
    expect(bobs.contents(conversationId)).toEqual(["hello dave", "without dave", "dave again", "and live"]);
  }, 180_000);

  test("who was added while his device was away gets what was sent since, and nothing from before", async () => {
    const { people: members, conversationId } = await people.group(2);
    const [alice] = members as [Person, Person];
    const dave = await people.one();
    const daves = await dave.online();
    await daves.disconnect();
    listenAnew(daves);
    const [old] = await postMany(alice, conversationId, ["before dave"]);
    await add(alice, conversationId, dave);
    await edit(alice, old!, "still before dave");
    await post(alice, conversationId, "hello dave");
    await daves.connect();
    expect(pagesOf(daves)).toEqual([["hello dave"]]);
    daves.goBack(() => 0);
    await daves.disconnect();
    listenAnew(daves);
    await daves.connect();
    expect(pagesOf(daves)).toEqual([["hello dave"]]);
  });

  test("an edit from before somebody came is told to him as a number only", async () => {
    const { people: members, conversationId } = await people.group(2);
    const [alice, bob] = members as [Person, Person];
    const dave = await people.one();
    const [old] = await postMany(alice, conversationId, ["before dave"]);
    await add(alice, conversationId, dave);
    const daves = await dave.inside(conversationId);
    const bobs = await bob.inside(conversationId);
    await edit(alice, old!, "a secret edit");
    await bobs.hears("message_edited");
    await daves.hears("conversation_changed", `conversation:${conversationId}`);
    expect((await daves.hears("conversation_changed")).payload).toEqual({
      conversation_id: conversationId,
      rev: 3,
    });
    expect(JSON.stringify(daves.heard)).not.toContain("secret");
  });
});
