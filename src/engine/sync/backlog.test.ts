import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Message } from "../../core/messages/message.ts";
import type { ChangeFrame } from "../../core/ports/pubsub.ts";
import type { Changes, ChangesRequest, DevicePosition, Position } from "../../core/ports/sync-reads.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { newId } from "../../system.ts";
import { seeds } from "../../testing/builders/arbitraries.ts";
import { aMessageSent, membersNamed } from "../../testing/builders/builders.ts";
import { Random } from "../../testing/builders/random.ts";
import { RandomLog } from "../../testing/builders/random-log.ts";
import { changesOf } from "../../testing/model/changes.ts";
import { ModelStore } from "../../testing/model/model-store.ts";
import { unreachable } from "../refusals.ts";
import { Backlog, type BacklogPage } from "./backlog.ts";
import { writtenSize } from "./written-size.ts";

const pageMessages = 100;
const pageCharacters = 128 * 1024;

type Answer = (question: ChangesRequest) => Changes | Rejection;

/** A device of anna's that has confirmed nothing of her conversations with ben. */
function aDevice(answer?: Answer) {
  const model = new ModelStore({ loadedKeys: 4 });
  const [anna, ben] = [newId(), newId()];
  const reads: ChangesRequest[] = [];
  const joins = {
    async changes(question: ChangesRequest) {
      reads.push(question);
      return (answer ?? ((asked) => changesOf(model, asked)))(question);
    },
  };
  return {
    model,
    reads,
    anna,
    ben,
    standings: () =>
      [...model.logs.keys()].map((id) => standingOf(model, { conversationId: id, seq: 0, rev: 0 })),
    /** A conversation with messages of these contents. */
    aTalk(contents: readonly string[]) {
      const id = newId();
      model.create(id, membersNamed([anna, ben]));
      contents.forEach((content, index) => {
        const seq = index + 1;
        model.write(id, [aMessageSent({ conversationId: id, senderId: ben, seq, rev: seq, content })]);
      });
      return id;
    },
    write(id: string, content = "later") {
      const seq = model.logs.get(id)!.messages.length + 1;
      const rev = model.logs.get(id)!.rev + 1;
      model.write(id, [aMessageSent({ conversationId: id, senderId: ben, seq, rev, content })]);
    },
    backlog: (standings: readonly DevicePosition[]) =>
      new Backlog({ joins, viewerId: anna, generation: 1, standings }),
  };
}

function standingOf(model: ModelStore, position: Position): DevicePosition {
  const { rev, messages } = model.logs.get(position.conversationId)!;
  return { ...position, headRev: rev, headSeq: messages.length };
}

/** All pages that there are now. */
async function pagesOf(backlog: Backlog): Promise<BacklogPage[]> {
  const pages: BacklogPage[] = [];
  for (;;) {
    const page = await backlog.next();
    if (!page) return pages;
    if (isRejection(page)) throw new Error(page.message);
    pages.push(page);
  }
}

const texts = (count: number, length = 5) => Array.from({ length: count }, () => "x".repeat(length));
const seqsOf = (page: BacklogPage) => page.messages.map(({ message }) => message.seq);

describe("pages", () => {
  test("nothing missed is no page, and nothing is read", async () => {
    const { backlog, aTalk, model, reads } = aDevice();
    const id = aTalk(texts(3));
    const standings = [standingOf(model, { conversationId: id, seq: 3, rev: 3 })];
    expect(await pagesOf(backlog(standings))).toEqual([]);
    expect(reads).toEqual([]);
  });

  test("of one conversation hold a hundred messages each, in order", async () => {
    const { backlog, aTalk, standings } = aDevice();
    aTalk(texts(250));
    const pages = await pagesOf(backlog(standings()));
    expect(pages.map((page) => page.messages.length)).toEqual([100, 100, 50]);
    expect(pages.flatMap(seqsOf)).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
    expect(pages.map(({ reached }) => reached.map(({ seq, rev }) => [seq, rev]))).toEqual([
      [[100, 100]],
      [[200, 200]],
      [[250, 250]],
    ]);
  });

  test("take as many conversations as fill them", async () => {
    const { backlog, aTalk, standings } = aDevice();
    for (let talk = 0; talk < 30; talk++) aTalk(texts(7));
    const pages = await pagesOf(backlog(standings()));
    expect(pages.map((page) => page.messages.length)).toEqual([100, 100, 10]);
    expect(pages.map((page) => page.reached.length)).toEqual([15, 15, 2]);
  });

  test("hold no more than a hundred when the conversations go on meanwhile", async () => {
    const { backlog, aTalk, write, standings } = aDevice();
    const ids = [aTalk(texts(2)), aTalk(texts(2)), aTalk(texts(200))];
    const device = backlog(standings());
    for (const id of ids) for (let more = 0; more < 90; more++) write(id);
    const pages = await pagesOf(device);
    for (const page of pages) expect(page.messages.length).toBeLessThanOrEqual(pageMessages);
    expect(pages.flatMap(seqsOf)).toHaveLength(2 + 2 + 200 + 3 * 90);
  });

  test("are short when contents are long, and never empty", async () => {
    const { backlog, aTalk, standings } = aDevice();
    aTalk([...texts(5, 60_000), ...texts(2), ...texts(1, 200_000), ...texts(1)]);
    const pages = await pagesOf(backlog(standings()));
    expect(pages.map(seqsOf)).toEqual([[1, 2], [3, 4], [5, 6, 7], [8], [9]]);
  });

  test("of long contents are read once: after the first page hardly more is read than fits", async () => {
    const { backlog, aTalk, standings, reads } = aDevice();
    aTalk(texts(300, 4_096));
    const pages = await pagesOf(backlog(standings()));
    expect(pages.length).toBeGreaterThan(9);
    const read = reads.reduce((rows, { limit }) => rows + limit, 0);
    expect(read).toBeLessThan(300 + pageMessages);
  });

  test("grow to a hundred again where contents are short", async () => {
    const { backlog, aTalk, standings } = aDevice();
    aTalk([...texts(60, 8_192), ...texts(240)]);
    const pages = await pagesOf(backlog(standings()));
    expect(Math.max(...pages.map(({ messages }) => messages.length))).toBe(100);
  });

  test("of several conversations together are no longer than one may be", async () => {
    const { backlog, aTalk, standings } = aDevice();
    for (let talk = 0; talk < 6; talk++) aTalk(texts(1, 60_000));
    const pages = await pagesOf(backlog(standings()));
    expect(pages.map((page) => page.messages.length)).toEqual([2, 2, 2]);
  });

  test("a refusal takes nothing away: the same page comes when it is asked for again", async () => {
    let refusals = 1;
    const { backlog, aTalk, standings, model } = aDevice((asked) =>
      refusals-- > 0 ? unreachable : changesOf(model, asked),
    );
    aTalk(texts(3));
    const device = backlog(standings());
    expect(await device.next()).toBe(unreachable);
    expect((await pagesOf(device)).map(seqsOf)).toEqual([[1, 2, 3]]);
  });

  test("a conversation whose cursor cannot be resumed from is named with its head, and brings no message", async () => {
    const { backlog, aTalk, model } = aDevice();
    const id = aTalk(texts(3));
    const device = backlog(
      [standingOf(model, { conversationId: id, seq: 9, rev: 9 })].map((each) => ({ ...each, headRev: 10 })),
    );
    expect(await pagesOf(device)).toEqual([
      { messages: [], reached: [], expired: [{ conversationId: id, seq: 3, rev: 3 }] },
    ]);
  });

  test("who is no member any more has nothing to read", async () => {
    const { backlog, aTalk, model, anna, standings } = aDevice();
    const id = aTalk(texts(3));
    const device = backlog(standings());
    model.logs.get(id)!.members.delete(anna);
    const pages = await pagesOf(device);
    expect(pages.flatMap(seqsOf)).toEqual([]);
  });
});

describe("what it covers", () => {
  test("is what was read, conversation by conversation; heads that moved on are read after it was extended", async () => {
    const { backlog, aTalk, write, standings } = aDevice();
    const [one, other] = [aTalk(texts(2)), aTalk([])];
    const device = backlog(standings());
    expect(device.covers(one, 1)).toBe(false);
    await pagesOf(device);
    expect([device.covers(one, 2), device.covers(one, 3), device.covers(other, 1)]).toEqual([
      true,
      false,
      false,
    ]);
    write(one);
    write(other);
    expect(await pagesOf(device)).toEqual([]);
    device.extend(standings());
    expect((await pagesOf(device)).flatMap(seqsOf).sort()).toEqual([1, 3]);
    expect([device.covers(one, 3), device.covers(other, 1)]).toEqual([true, true]);
  });
});

/** Groups that are written to while a device that was away reads what it missed, and what has to be true of each page. */
class Absence {
  readonly #random: Random;
  readonly #model = new ModelStore({ loadedKeys: 4 });
  readonly #logs: readonly RandomLog[];
  readonly #viewerId = newId();
  readonly #frames = new Map<string, ChangeFrame[]>();
  readonly #positions = new Map<string, Position>();
  /** What the device has, by message. */
  readonly #has = new Map<string, Message>();
  readonly #sent = new Set<string>();
  readonly #backlog: Backlog;
  #heads = "";

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    const users = [this.#viewerId, ...Array.from({ length: 3 }, () => newId())];
    const longest = random.pick([5, 50, 30_000, 90_000]);
    const content = () => "x".repeat(random.below(longest));
    this.#logs = Array.from(
      { length: 1 + random.below(4) },
      () => new RandomLog({ model: this.#model, random, users, content }),
    );
    for (const { id } of this.#logs) this.#frames.set(id, []);
    this.#change(random.below(200));
    this.#confirmAll();
    this.#change(random.below(600));
    this.#backlog = new Backlog({
      joins: {
        changes: async (question) => (random.chance(0.05) ? unreachable : changesOf(this.#model, question)),
      },
      viewerId: this.#viewerId,
      generation: 1,
      standings: this.#standings(),
    });
  }

  /** As a join does it: pages, what happened meanwhile, until nothing did. */
  async comeBack(): Promise<void> {
    let changesLeft = 300;
    for (;;) {
      const page = await this.#backlog.next();
      if (page && isRejection(page)) continue;
      if (page) this.#receive(page);
      else if (this.#heads === this.#headsNow()) return;
      else this.#backlog.extend(this.#standings());
      const more = Math.min(changesLeft, this.#random.pick([0, 0, 1, 5, 60]));
      changesLeft -= more;
      this.#change(more);
    }
  }

  judgeTheEnd(): void {
    for (const { id } of this.#logs) {
      const viewer = this.#viewerIn(id);
      if (!viewer) continue;
      const { messages, rev } = this.#model.logs.get(id)!;
      expect(this.#backlog.covers(id, rev)).toBe(true);
      for (const message of messages)
        if (message.seq > viewer.joinedSeq) expect(this.#has.get(message.id)?.rev).toBe(message.rev);
    }
  }

  #change(count: number): void {
    for (let time = 0; time < count; time++) {
      const log = this.#random.pick(this.#logs);
      this.#frames.get(log.id)!.push(log.next());
    }
  }

  /** The device has everything that its user may see now. */
  #confirmAll(): void {
    for (const { conversationId, headSeq: seq, headRev: rev } of this.#standings()) {
      this.#positions.set(conversationId, { conversationId, seq, rev });
      this.#readAfresh(conversationId);
    }
  }

  #readAfresh(conversationId: string): void {
    for (const message of this.#model.logs.get(conversationId)!.messages) this.#has.set(message.id, message);
  }

  #viewerIn(id: string) {
    return this.#model.present(id).find((member) => member.userId === this.#viewerId);
  }

  /** As `store/reads/join-reads.ts`: where it has confirmed, else where the membership began. */
  #standings(): DevicePosition[] {
    this.#heads = this.#headsNow();
    return this.#logs.flatMap(({ id }) => {
      const viewer = this.#viewerIn(id);
      if (!viewer) return [];
      const began = { conversationId: id, seq: viewer.joinedSeq, rev: viewer.joinedRev };
      return [standingOf(this.#model, this.#positions.get(id) ?? began)];
    });
  }

  #headsNow(): string {
    return this.#logs.map(({ id }) => this.#model.logs.get(id)!.rev).join(" ");
  }

  #receive({ messages, reached, expired }: BacklogPage): void {
    expect(messages.length).toBeLessThanOrEqual(pageMessages);
    const largest = Math.max(0, ...messages.map((seen) => writtenSize([seen])));
    expect(writtenSize(messages)).toBeLessThanOrEqual(pageCharacters + largest);
    for (const { message } of messages) {
      const key = `${message.id} ${message.rev}`;
      expect(this.#sent.has(key)).toBe(false);
      this.#sent.add(key);
      this.#has.set(message.id, message);
    }
    for (const { conversationId } of expired) this.#readAfresh(conversationId);
    for (const position of reached) this.#expectReached(position);
  }

  /** Everything up to there that its user may see is on the device, as it was then or as it became later. */
  #expectReached({ conversationId, seq, rev }: Position): void {
    const viewer = this.#viewerIn(conversationId);
    if (!viewer) return;
    const log = this.#model.logs.get(conversationId)!;
    const created = log.messages.filter((message) => message.createdRev <= rev);
    expect(seq).toBe(Math.max(viewer.joinedSeq, created.length));
    for (const frame of this.#frames.get(conversationId)!.slice(0, rev))
      for (const event of frame.events) {
        const message = "message" in event ? event.message : event;
        if (!("seq" in message)) continue;
        const isLater = event.type !== "message_sent" && log.messages[message.seq - 1]!.rev > rev;
        if (message.seq > viewer.joinedSeq && !isLater)
          expect(this.#has.get(message.id)?.rev ?? -1).toBeGreaterThanOrEqual(message.rev);
      }
  }
}

test("I6: whatever is sent, edited, deleted, joined and left between two pages, the device ends with the log, nothing came twice, and each position is true", async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const absence = new Absence(seed);
      await absence.comeBack();
      absence.judgeTheEnd();
    }),
    { numRuns: 60 },
  );
}, 180_000);
