import { afterAll, afterEach, beforeAll, describe, expect, type Mock, spyOn, test } from "bun:test";
import type { ChangeFrame, Frame } from "../core/ports/pubsub.ts";
import { LocalPubSub } from "../pubsub/local.ts";
import { FrameSocket, type HeardFrame } from "../testing/clients/frame-socket.ts";
import { createGroup, People, type Person } from "../testing/clients/people.ts";
import { eventually } from "../testing/eventually.ts";
import { type InProcess, startInProcess } from "../testing/processes/in-process.ts";

/**
 * I8: whoever is removed while a group is busy learns nothing of what comes after, on no topic, however he tries, and also when the bus loses
 * the frame that tells of it. Everybody else hears everything.
 */

/** 500 a second, for three seconds; the removal comes after a third. */
const perTick = 5;
const tickMs = 10;
const messages = 1_500;
const before = messages / 3;
/** Sockets of the removed one that come to the conversation and go again, all the time. */
const restless = 8;

let server: InProcess;
let people: People;
let publish: Mock<LocalPubSub["publish"]>;

beforeAll(async () => {
  server = await startInProcess({ WHISPR_MAX_LOOP_LATENESS: "0" });
  people = new People(server);
}, 120_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
afterEach(() => publish.mockRestore());

describe("I8: who is removed while 500 messages a second flow", () => {
  test.each([
    ["and the bus loses nothing", 0],
    ["and the bus loses the frame that tells of it", 1],
    ["and the bus loses that frame and the fifty after it", 51],
  ])(
    "%s, hears nothing after it, and the others hear everything",
    async (_, lost) => {
      const removed = loseFromRemoval(lost);
      const [owner, writer, member, victim] = (await people.many(4)) as [Person, Person, Person, Person];
      const id = await createGroup([owner, writer, member, victim]);
      const bystanders = [await Ear.listen(member, id), await Ear.listen(owner, id)];
      const ears = [await Ear.listen(victim, id), await Ear.listen(victim, id)];
      const comers = await Promise.all(Array.from({ length: restless }, () => Ear.open(victim)));

      const flow = new Flow(
        await FrameSocket.open({ url: server.url, token: await server.token(writer.id) }),
        id,
      );
      await flow.begin();
      const coming = comers.map((comer) => comer.comeAndGo(id, () => flow.isOver));
      await eventually("a third of the messages to be stored", () => flow.stored >= before);
      await owner.rest.call("DELETE", `/conversations/${id}/members/${victim.id}`).catch(emptyAnswer);
      const back = await Ear.listenAgain(victim, id);
      await flow.whenOver();
      const refusals = (await Promise.all(coming)).flat();

      const { rev, leftSeq } = removed();
      expect(flow.stored).toBe(messages);
      expect(leftSeq).toBeGreaterThanOrEqual(before);
      expect(leftSeq).toBeLessThan(messages);
      for (const bystander of bystanders) await bystander.hears(messages);
      for (const bystander of bystanders)
        expect(bystander.seqs).toEqual({ conversation: upTo(messages), user: upTo(messages) });

      for (const ear of [...ears, ...comers, back]) await ear.socket.heartbeat();
      for (const ear of ears) expect(ear.seqs).toEqual({ conversation: upTo(leftSeq), user: upTo(leftSeq) });
      for (const ear of [...ears, ...comers, back])
        expect(ear.newest(rev, leftSeq)).toEqual({ rev: true, seq: true });
      expect(back.seqs).toEqual({ conversation: [], user: [] });
      expect(new Set(refusals)).toEqual(new Set(["not_authorized"]));
      expect(server.complaints.filter((line) => !line.includes("frames_missed"))).toEqual([]);
      for (const ear of [...bystanders, ...ears, ...comers, back]) ear.socket.close();
      flow.close();
    },
    180_000,
  );
});

/** 204 has no body. */
function emptyAnswer(error: unknown): void {
  if (!(error instanceof SyntaxError)) throw error;
}

function upTo(seq: number): number[] {
  return Array.from({ length: seq }, (_, index) => index + 1);
}

/** The bus loses as many change frames, from that of a removal on. Tells of the removal. */
function loseFromRemoval(count: number): () => { readonly rev: number; readonly leftSeq: number } {
  let removal: ChangeFrame | null = null;
  let left = count;
  const forward = LocalPubSub.prototype.publish;
  publish = spyOn(LocalPubSub.prototype, "publish").mockImplementation(function (
    this: LocalPubSub,
    frame: Frame,
  ) {
    if (frame.type === "changes") {
      if (frame.events.some(({ type }) => type === "member_removed")) removal = frame;
      if (removal && left-- > 0) return;
    }
    forward.call(this, frame);
  });
  return () => {
    const event = removal?.events[0];
    if (event?.type !== "member_removed") throw new Error("nobody was removed");
    return { rev: event.rev, leftSeq: event.member.leftSeq! };
  };
}

/** Sends at an even pace, whatever the answers do. */
class Flow {
  stored = 0;
  readonly #socket: FrameSocket;
  readonly #topic: string;
  #sent = 0;

  constructor(socket: FrameSocket, conversationId: string) {
    this.#socket = socket;
    this.#topic = `conversation:${conversationId}`;
  }

  get isOver(): boolean {
    return this.stored === messages;
  }

  async begin(): Promise<void> {
    expect((await this.#socket.join(this.#topic, "1")).status).toBe("ok");
    const timer = setInterval(() => {
      for (let count = 0; count < perTick && this.#sent < messages; count++) this.#send();
      if (this.#sent === messages) clearInterval(timer);
    }, tickMs);
  }

  whenOver(): Promise<void> {
    return eventually("everything to be stored", () => this.isOver);
  }

  close(): void {
    this.#socket.close();
  }

  #send(): void {
    const payload = `{"content":"message ${++this.#sent}"}`;
    void this.#socket.push(this.#topic, "1", "new_message", payload).then(({ status }) => {
      if (status === "ok") this.stored++;
    });
  }
}

/** A socket that keeps the numbers of all that it is told. */
class Ear {
  readonly socket: FrameSocket;
  readonly #seqs = { conversation: [] as number[], user: [] as number[] };
  #newestRev = 0;
  #newestSeq = 0;

  private constructor(socket: FrameSocket) {
    this.socket = socket;
    socket.onFrame = (frame) => this.#hear(frame);
  }

  static async open(person: Person, claims: Readonly<Record<string, unknown>> = {}): Promise<Ear> {
    const token = await server.token(person.id, claims);
    return new Ear(await FrameSocket.open({ url: server.url, token }));
  }

  /** On both topics, from before the first message. */
  static async listen(person: Person, id: string): Promise<Ear> {
    const ear = await Ear.open(person);
    expect(await ear.join(`user:${person.id}`, "1")).toBe("ok");
    expect(await ear.join(`conversation:${id}`, "2")).toBe("ok");
    return ear;
  }

  /** As somebody who was removed meanwhile; with a device, to whom what it missed would come. */
  static async listenAgain(person: Person, id: string): Promise<Ear> {
    const ear = await Ear.open(person, { deviceId: "phone" });
    expect(await ear.join(`user:${person.id}`, "1", `{"cursors":{"${id}":0}}`)).toBe("ok");
    for (const payload of ["{}", '{"since_seq":0,"since_rev":0}', '{"since_seq":1,"since_rev":1}']) {
      expect(await ear.join(`conversation:${id}`, "2", payload)).toBe("not_authorized");
      const { response } = await ear.socket.push(
        `conversation:${id}`,
        "2",
        "new_message",
        '{"content":"me?"}',
      );
      expect(response.reason).toBe("unmatched topic");
    }
    return ear;
  }

  get seqs() {
    return this.#seqs;
  }

  /** Whether nothing that came was numbered higher. */
  newest(rev: number, seq: number) {
    return { rev: this.#newestRev <= rev, seq: this.#newestSeq <= seq };
  }

  hears(seq: number): Promise<void> {
    const { conversation, user } = this.#seqs;
    return eventually(
      "a bystander to hear everything",
      () => conversation.at(-1) === seq && user.at(-1) === seq,
    );
  }

  /** "ok", or the reason of the refusal. */
  async join(topic: string, joinRef: string, payload = "{}"): Promise<string> {
    const reply = await this.socket.join(topic, joinRef, payload);
    this.#note(reply.response);
    return reply.status === "ok" ? "ok" : reply.response.reason!;
  }

  /** Joins and leaves until it is over; resolves with the reasons why it was refused. */
  async comeAndGo(id: string, isOver: () => boolean): Promise<readonly string[]> {
    const reasons: string[] = [];
    for (let round = 1; !isOver(); round++) {
      const outcome = await this.join(`conversation:${id}`, `${round}`, '{"since_seq":0,"since_rev":0}');
      if (outcome !== "ok") reasons.push(outcome);
      if (round % 3 === 0) await this.socket.push(`conversation:${id}`, `${round}`, "phx_leave", "{}");
    }
    return reasons;
  }

  #hear({ topic, event, payload }: HeardFrame): void {
    this.#note(payload);
    const { message } = payload as { readonly message?: { readonly seq: number } };
    if (event === "new_message")
      this.#seqs[topic.startsWith("user:") ? "user" : "conversation"].push(message!.seq);
  }

  /** Whatever it is: a push, a backlog, a difference. */
  #note(payload: unknown): void {
    const text = JSON.stringify(payload);
    for (const [, of, number] of text.matchAll(/"(?:head_)?(rev|seq)":(\d+)/g)) {
      if (of === "rev") this.#newestRev = Math.max(this.#newestRev, Number(number));
      else this.#newestSeq = Math.max(this.#newestSeq, Number(number));
    }
  }
}
