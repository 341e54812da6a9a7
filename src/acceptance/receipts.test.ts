import { describe, expect, test } from "bun:test";
import type { Device } from "../testing/clients/device.ts";
import type { JoinReply, KeptMessage } from "../testing/clients/device-types.ts";
import { untilHeard } from "../testing/clients/heard-by.ts";
import type { Person } from "../testing/clients/people.ts";
import { peopleOnServer } from "../testing/clients/people-on-server.ts";
import { eventually } from "../testing/eventually.ts";
import { paced } from "../testing/pace.ts";

/** Ticks and unread counts as the clients see them, on a whole server. */

const { people } = peopleOnServer();

async function statusOf(user: Person, { id, conversation_id }: KeptMessage): Promise<string | undefined> {
  const log = (await user.rest.history(conversation_id)) as unknown as KeptMessage[];
  return log.find((message) => message.id === id)?.status;
}

async function becomes(user: Person, message: KeptMessage, status: string): Promise<void> {
  await eventually(`the status ${status}`, async () => (await statusOf(user, message)) === status);
}

async function unreadOf(user: Person, conversationId: string): Promise<number> {
  const { body } = await user.rest.call("GET", "/conversations");
  const list = (body as { data: { id: string; unread_count: number }[] }).data;
  return list.find(({ id }) => id === conversationId)!.unread_count;
}

async function untilUnread(user: Person, conversationId: string, count: number): Promise<void> {
  await eventually(`${count} unread`, async () => (await unreadOf(user, conversationId)) === count);
}

function statuses(device: Device, status: string): JoinReply[] {
  const all = device.events("delivery_status").map(({ payload }) => payload);
  return all.filter((payload) => payload.status === status);
}

/** The tick of the message came on the sender's topic. */
async function hearsStatus(device: Device, message: KeptMessage, status: string): Promise<number> {
  const heard = () =>
    device
      .events("delivery_status")
      .find(({ payload }) => payload.message_id === message.id && payload.status === status);
  await eventually(`${status} to be told`, () => heard() !== undefined);
  return heard()!.atMs;
}

/** A frame that was sent before to this device would have come. */
async function settled(device: Device): Promise<void> {
  await untilHeard(device);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)]!;
}

/** On an idle machine. */
const tickWithinMs = 200;

describe("an idle one-to-one chat shows delivered in less than 200 ms without any acknowledgement", () => {
  const rounds = 10;

  async function ticks(
    receives: (bob: Person, conversationId: string) => Promise<unknown>,
  ): Promise<number[]> {
    const took: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const { alice, bob, conversationId } = await people.pair();
      const sender = await alice.inside(conversationId);
      await receives(bob, conversationId);
      const sentMs = performance.now();
      const message = await sender.send(conversationId, "hello");
      took.push((await hearsStatus(sender, message, "delivered")) - sentMs);
    }
    return took;
  }

  test("when the receiver is on the topic of his user", async () => {
    const took = await ticks(async (bob) => bob.online());
    console.log(`delivered on user: after ${took.map(Math.round).join(", ")} ms`);
    expect(median(took)).toBeLessThan(paced(tickWithinMs));
  }, 120_000);

  test("when the receiver has only the conversation open", async () => {
    const took = await ticks(async (bob, conversationId) => {
      const device = await bob.device();
      await device.open();
      await device.openConversation(conversationId);
    });
    console.log(`delivered on conversation: after ${took.map(Math.round).join(", ")} ms`);
    expect(median(took)).toBeLessThan(paced(tickWithinMs));
  }, 120_000);
});

describe("a tick means that the message has arrived", () => {
  test("a frozen device gives none and loses nothing: its next socket brings everything", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const receiver = await bob.online();
    receiver.freeze();
    const texts = Array.from({ length: 30 }, (_, n) => `into the ice ${n}`);
    let last: KeptMessage | undefined;
    for (const text of texts) last = await sender.send(conversationId, text);
    await aPingLater(alice, sender);
    const told = statuses(sender, "delivered").map((status) => status.conversation_id);
    expect(told).not.toContain(conversationId);
    expect(await statusOf(alice, last!)).toBe("sent");

    receiver.cut();
    await receiver.keeps(conversationId, texts.length);
    expect(receiver.contents(conversationId)).toEqual(texts);
    expect(receiver.violations).toEqual([]);
    await hearsStatus(sender, last!, "delivered");
    await becomes(alice, last!, "delivered");
  }, 180_000);

  test("a device that wakes up proves what came meanwhile on the same socket", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const receiver = await bob.online();
    receiver.freeze();
    const message = await sender.send(conversationId, "asleep");
    receiver.thaw();
    await hearsStatus(sender, message, "delivered");
    expect(receiver.contents(conversationId)).toEqual(["asleep"]);
  });

  test("an explicit message_delivered needs no proof", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const message = await sender.send(conversationId, "to nobody yet");
    expect(await statusOf(alice, message)).toBe("sent");
    const receiver = await bob.online();
    await receiver.askUser("message_delivered", {
      message_id: message.id,
      conversation_id: conversationId,
    });
    await hearsStatus(sender, message, "delivered");
    expect(await statusOf(alice, message)).toBe("delivered");
  });

  test("a group's message is delivered only when every other member has it, and read when all have read", async () => {
    const { people: members, conversationId } = await people.group(4);
    const [alice, bob, carol, dave] = members as [Person, Person, Person, Person];
    const sender = await alice.inside(conversationId);
    const [bobs, carols] = await Promise.all([bob.inside(conversationId), carol.inside(conversationId)]);
    const daves = await dave.online();
    await daves.disconnect();

    const message = await sender.send(conversationId, "everybody?");
    await untilMarked(alice, message, 2);
    expect(statuses(sender, "delivered")).toEqual([]);
    expect(await statusOf(alice, message)).toBe("sent");

    await daves.connect();
    await hearsStatus(sender, message, "delivered");
    expect(await statusOf(alice, message)).toBe("delivered");

    await bobs.ask(conversationId, "message_read", { message_id: message.id });
    await carols.ask(conversationId, "message_read", { seq: message.seq });
    await settled(sender);
    expect(await statusOf(alice, message)).toBe("delivered");
    await daves.openConversation(conversationId);
    await daves.ask(conversationId, "mark_read", {});
    await hearsStatus(sender, message, "read");
    expect(await statusOf(alice, message)).toBe("read");
  }, 180_000);

  /** Somebody who is awake gets two messages, of which the second is proved by a ping that had to wait for its turn. */
  async function aPingLater(user: Person, sender: Device): Promise<void> {
    const carol = await people.one();
    const conversationId = await user.rest.createDirect(carol.id);
    await carol.online();
    await sender.openConversation(conversationId);
    await hearsStatus(sender, await sender.send(conversationId, "one"), "delivered");
    await hearsStatus(sender, await sender.send(conversationId, "two"), "delivered");
  }

  /** As many of the others have the message, as the marks of a difference tell. */
  async function untilMarked(user: Person, message: KeptMessage, count: number): Promise<void> {
    await eventually(`${count} marks`, async () => {
      const path = `/conversations/${message.conversation_id}/changes?since=0`;
      const { body } = await user.rest.call("GET", path);
      const { marks } = (body as { meta: { marks: { user_id: string; delivered_seq: number }[] } }).meta;
      const have = marks.filter((mark) => mark.user_id !== user.id && mark.delivered_seq >= message.seq);
      return have.length === count;
    });
  }
});

describe("what was read", () => {
  test("is told to the sender's devices, by message_read and by the status of each message, and to the reader's own", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const other = await alice.online("tablet");
    const reader = await bob.inside(conversationId);
    const readersOther = await bob.online("tablet");
    const first = await sender.send(conversationId, "one");
    const second = await sender.send(conversationId, "two");

    expect(await reader.ask(conversationId, "message_read", { message_id: first.id })).toEqual({
      status: "read",
    });
    for (const device of [sender, other]) await hearsStatus(device, first, "read");
    for (const device of [sender, other, reader, readersOther]) {
      expect((await device.hears("message_read")).payload).toMatchObject({
        user_id: bob.id,
        message_id: first.id,
        conversation_id: conversationId,
        seq: first.seq,
      });
    }
    expect(await statusOf(alice, first)).toBe("read");
    expect(await statusOf(alice, second)).not.toBe("read");

    await reader.ask(conversationId, "message_read", { seq: second.seq });
    await hearsStatus(sender, second, "read");
    expect(await statusOf(alice, second)).toBe("read");
    expect(await statusOf(bob, second)).toBe("sent");
    expect(readersOther.events("delivery_status")).toEqual([]);
  }, 180_000);

  test("may be named by seq, by id, by mark_read without one, or by mark_conversation_read", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const reader = await bob.inside(conversationId);
    const reads: ((message: KeptMessage) => Promise<JoinReply>)[] = [
      ({ seq }) => reader.ask(conversationId, "message_read", { seq }),
      ({ id }) => reader.ask(conversationId, "message_read", { message_id: id }),
      () => reader.ask(conversationId, "mark_read", {}),
      ({ id }) => reader.ask(conversationId, "mark_read", { message_id: id }),
      ({ id }) => reader.askUser("message_read", { message_id: id, conversation_id: conversationId }),
    ];
    for (const read of reads) {
      const message = await sender.send(conversationId, "read me");
      await untilUnread(bob, conversationId, 1);
      expect(await read(message)).toEqual({ status: "read" });
      await hearsStatus(sender, message, "read");
      expect(await unreadOf(bob, conversationId)).toBe(0);
    }
  }, 120_000);

  test("is answered ok however many acknowledgements come in a row on one socket", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const reader = await bob.inside(conversationId);
    const message = await sender.send(conversationId, "one");
    const acknowledge = (event: string) => reader.ask(conversationId, event, { message_id: message.id });
    for (const [event, status] of [
      ["message_delivered", "delivered"],
      ["message_read", "read"],
    ] as const) {
      const replies = await Promise.all(Array.from({ length: 200 }, () => acknowledge(event)));
      expect(new Set(replies.map((reply) => JSON.stringify(reply)))).toEqual(
        new Set([`{"status":"${status}"}`]),
      );
    }
  }, 120_000);

  test("is counted by mark_conversation_read, and told on the conversation's topic", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const reader = await bob.inside(conversationId);
    for (const text of ["one", "two"]) await sender.send(conversationId, text);
    await reader.send(conversationId, "read by answering");
    const last = await sender.send(conversationId, "three");
    const mark = () => reader.askUser("mark_conversation_read", { conversation_id: conversationId });
    const marked = await mark();
    // What the answer has read by itself may be stored by then, or goes with this.
    expect([1, 3]).toContain(marked.messages_marked as unknown as number);
    expect(await mark()).toEqual({ status: "read", messages_marked: 0 } as never);
    const topic = `conversation:${conversationId}`;
    const told = () => sender.events("message_read", topic).map(({ payload }) => payload);
    await eventually("the topic to tell", () => told().some(({ message_id }) => message_id === last.id));
    expect(told().find(({ message_id }) => message_id === last.id)).toMatchObject({
      user_id: bob.id,
      message_id: last.id,
      conversation_id: conversationId,
    });
  }, 120_000);

  test("lowers the unread count of the list; an own message clears it, a mark never goes back", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const reader = await bob.inside(conversationId);
    const sent: KeptMessage[] = [];
    for (const text of ["one", "two", "three"]) sent.push(await sender.send(conversationId, text));
    expect(await unreadOf(bob, conversationId)).toBe(3);
    expect(await unreadOf(alice, conversationId)).toBe(0);
    await reader.ask(conversationId, "message_read", { seq: 2 });
    expect(await unreadOf(bob, conversationId)).toBe(1);
    await reader.ask(conversationId, "message_read", { seq: 1 });
    expect(await unreadOf(bob, conversationId)).toBe(1);
    await reader.send(conversationId, "I answer");
    await untilUnread(bob, conversationId, 0);
    expect(await unreadOf(alice, conversationId)).toBe(1);
    await hearsStatus(sender, sent[2]!, "read");
  }, 180_000);
});

describe("a conversation that is marked as unread", () => {
  test("shows so on the own devices only, and until the next read", async () => {
    const { alice, bob, conversationId } = await people.pair();
    const sender = await alice.inside(conversationId);
    const phone = await bob.inside(conversationId, "phone");
    const tablet = await bob.online("tablet");
    const message = await sender.send(conversationId, "read, then not");
    await phone.ask(conversationId, "message_read", { message_id: message.id });
    await hearsStatus(sender, message, "read");
    // That his devices are online is theirs to see.
    const heard = () => sender.heard.filter(({ event }) => event !== "presence_diff");
    const told = heard().length;

    expect(await phone.ask(conversationId, "mark_unread", { message_id: message.id })).toEqual({
      status: "unread",
    });
    expect(await unreadOf(bob, conversationId)).toBe(1);
    for (const device of [phone, tablet]) {
      expect((await device.hears("message_unread")).payload).toMatchObject({
        message_id: message.id,
        conversation_id: conversationId,
        own_rev: 1,
      });
    }
    await settled(sender);
    expect(heard().slice(told)).toEqual([]);
    expect(await statusOf(alice, message)).toBe("read");

    await tablet.askUser("mark_conversation_read", { conversation_id: conversationId });
    await untilUnread(bob, conversationId, 0);
    for (const device of [phone, tablet]) {
      expect((await device.hears("conversation_read")).payload).toMatchObject({
        conversation_id: conversationId,
        own_rev: 2,
      });
    }
    await settled(sender);
    expect(heard().slice(told)).toEqual([]);
  }, 180_000);
});

test("any number of receipts in a row on one socket are answered ok: they coalesce", async () => {
  const { alice, bob, conversationId } = await people.pair();
  const sender = await alice.online();
  const sent: KeptMessage[] = [];
  for (let n = 0; n < 200; n++) {
    const { body } = await alice.rest.call("POST", `/conversations/${conversationId}/messages`, {
      content: String(n),
    });
    sent.push((body as { data: KeptMessage }).data);
  }
  const phone = await bob.inside(conversationId);
  const bySeq = sent.map(({ seq }) => phone.ask(conversationId, "message_delivered", { seq }));
  const byId = sent.map(({ id }) => phone.ask(conversationId, "message_read", { message_id: id }));
  const same = sent.map(() => phone.ask(conversationId, "message_read", { seq: 200 }));
  const replies = await Promise.all([...bySeq, ...byId, ...same]);
  expect(new Set(replies.map((reply) => JSON.stringify(reply)))).toEqual(
    new Set([`{"status":"delivered"}`, `{"status":"read"}`]),
  );
  await hearsStatus(sender, sent.at(-1)!, "read");
}, 120_000);
