/** Random sequences of frames, join completions, backfills, broadcasts and evictions against a tiny model of one socket. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Channel, Feed, JoinOutcome, Position } from "./channel.ts";
import { encodeBroadcast, Frame, type Ref } from "./codec.ts";
import { Intake } from "./intake.ts";
import { silentObserver } from "./observer.ts";
import { Session } from "./session.ts";
import { phoenixDefaults } from "./settings.ts";
import type { Subscription } from "./subscription.ts";
import { joinsByHand } from "./testing/endpoint.ts";
import { TopicQuota } from "./topic-quota.ts";
import { Topics } from "./topics.ts";
import type { Wire } from "./wire.ts";

type Op =
  | { readonly op: "join"; readonly topic: string; readonly payload: number; readonly form: Form }
  | { readonly op: "leave" | "push"; readonly topic: string; readonly form: Form; readonly names: Names }
  | { readonly op: "broadcast"; readonly topic: string; readonly alone: boolean }
  | { readonly op: "evict"; readonly topic: string }
  | { readonly op: "room"; readonly has: boolean }
  | {
      readonly op: "settle";
      readonly nth: number;
      readonly ok: boolean;
      readonly covers: number;
      readonly backfill: boolean;
    }
  | { readonly op: "feed"; readonly nth: number; readonly does: FeedDoes };

/** How a client counts: in strings, in integers, or (a join_ref only) not at all. */
type Form = "text" | "integer" | "none";

/** Which join a frame names: the current one, none, an earlier one, or the current one's digits as the other type. */
type Names = "current" | "none" | "stale" | "twin";

/** `read`: what the client is fed covers all that was broadcast so far. */
type FeedDoes = "push" | "read" | "hold" | "drop" | "end" | "fail";

type Step<Name extends Op["op"]> = Op & { readonly op: Name };

const topicName = fc.constantFrom("a", "b");
const form = fc.constantFrom<Form[]>("text", "text", "integer", "none");
const names = fc.constantFrom<Names[]>("current", "current", "none", "stale", "twin");
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("join" as const), topic: topicName, payload: fc.nat(1), form }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("leave" as const), topic: topicName, form, names }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("push" as const), topic: topicName, form, names }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("broadcast" as const), topic: topicName, alone: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("evict" as const), topic: topicName }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("room" as const), has: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("settle" as const),
      nth: fc.nat(3),
      ok: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
      covers: fc.nat(3),
      backfill: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      op: fc.constant("feed" as const),
      nth: fc.nat(3),
      does: fc.constantFrom<FeedDoes[]>("push", "push", "read", "hold", "hold", "drop", "end", "end", "fail"),
    }),
  },
);

const maxHeldBroadcasts = 5;

/** Every third broadcast is of another stream, which nothing covers. */
function streamOf(n: number): string {
  return n % 3 === 0 ? "other" : "main";
}

/** What the client was told of the main stream: moves on with what is read. */
class Cover {
  constructor(public at: number) {}
  readonly covers = (position: Position) => position.stream === "main" && position.at <= this.at;
}

/** Broadcasts that the model holds. */
class HeldNews {
  news: number[] = [];
  complete = true;
  #dropping = false;

  keep(n: number): void {
    if (this.news.length === maxHeldBroadcasts) this.drop();
    if (this.#dropping) this.complete = false;
    else this.news.push(n);
  }
  drop(): void {
    if (this.news.length > 0) this.complete = false;
    this.news = [];
    this.#dropping = true;
  }
  restart(): void {
    this.news = [];
    this.complete = true;
    this.#dropping = false;
  }
}

interface Address {
  readonly joinRef: Ref;
  readonly ref: Ref;
}

/** A reply as a word: `ok ["1",2] a`. */
function replied(status: "ok" | "error", { joinRef, ref }: Address, topic: string): string {
  return `${status} ${JSON.stringify([joinRef, ref])} ${topic}`;
}

function closed({ joinRef }: Place, topic: string): string {
  return `close ${JSON.stringify([joinRef, joinRef])} ${topic}`;
}

/** A frame without a join_ref belongs to the current join, and every frame to a join without one. */
function isOf(place: Place | undefined, joinRef: Ref): place is Place {
  return place !== undefined && (joinRef === null || place.joinRef === null || place.joinRef === joinRef);
}

/**
 * What the model knows of a topic of the socket. `question`: the number of the only join whose answer counts; `feed`: that
 * of the only backfill that is not over.
 */
interface Place {
  joinRef: Ref;
  accepted: boolean;
  held?: HeldNews;
  pending?: { question: number; payload: number; asked: Address[]; pushes: Address[] };
  feed?: number;
}

/** The expected frames, as short words: `ok ["3","3"] a`, `error [null,4] a`, `news 7 a`, `close 3 a`. */
class Model {
  readonly log: string[] = [];
  readonly places = new Map<string, Place>();
  questions = 0;
  feeds = 0;
  closed = false;
  failures = 0;
  accepted = 0;
  left = 0;
  hasRoom = true;
  /** What was answered while the socket had no room, in order. */
  #waiting: (() => void)[] = [];

  /** What waited is told now, as it is decided by then. */
  room(has: boolean): void {
    this.hasRoom = has;
    if (has) for (const tell of this.#waiting.splice(0)) tell();
  }

  join(topic: string, address: Address, payload: number): void {
    const place = this.places.get(topic) ?? { joinRef: address.joinRef, accepted: false };
    this.places.set(topic, place);
    place.joinRef = address.joinRef;
    if (place.pending === undefined) place.held = new HeldNews();
    delete place.feed;
    const pending = place.pending ?? { question: -1, payload: -1, asked: [], pushes: [] };
    place.pending = pending;
    pending.asked.push(address);
    if (pending.payload === payload) return;
    pending.payload = payload;
    pending.question = this.questions++;
  }

  /** Complete, and then no more while it waits for room: asked again. */
  settle(question: number, ok: boolean, cover: Cover, backfill: boolean): void {
    const place = [...this.places.values()].find(({ pending }) => pending?.question === question);
    if (!place) return;
    const isWhole = place.held?.complete === true;
    const tell = () => {
      const { pending, held } = place;
      const isLate = ok && !backfill && isWhole && !held?.complete;
      if (pending?.question !== question || !isLate) return this.#tell(question, ok, cover, backfill);
      held?.restart();
      pending.question = this.questions++;
    };
    if (this.hasRoom) tell();
    else this.#waiting.push(tell);
  }

  #tell(question: number, ok: boolean, cover: Cover, backfill: boolean): void {
    for (const [topic, place] of this.places) {
      const pending = place.pending;
      if (pending?.question !== question) continue;
      if (ok && !backfill && !place.held?.complete) return this.close();
      delete place.pending;
      for (const address of pending.asked) if (ok) this.log.push(replied("ok", address, topic));
      if (ok) this.#accept(topic, place, cover, backfill);
      else this.#end(topic);
      for (const address of pending.asked) if (!ok) this.log.push(replied("error", address, topic));
      for (const address of pending.pushes) this.#answer(topic, address);
    }
  }

  #accept(topic: string, place: Place, cover: Cover, backfill: boolean): void {
    place.accepted = true;
    this.accepted += 1;
    if (backfill) place.feed = this.feeds++;
    else this.#release(topic, place, cover);
  }

  #release(topic: string, place: Place, cover: Cover): void {
    for (const n of place.held?.news ?? []) {
      if (!cover.covers({ stream: streamOf(n), at: n })) this.log.push(`news ${n} ${topic}`);
    }
    delete place.held;
  }

  /** The place of a backfill that is not over. */
  placeOf(feed: number): [string, Place] | undefined {
    return [...this.places].find(([, place]) => place.feed === feed);
  }

  feed(feed: number, does: FeedDoes, turn: number, cover: Cover): void {
    if (does === "fail") this.failures += 1;
    const [topic, place] = this.placeOf(feed) ?? [];
    if (topic === undefined || place?.held === undefined) return;
    switch (does) {
      case "push":
        this.log.push(`fed ${turn} ${topic}`);
        return;
      case "hold":
        return place.held.restart();
      case "drop":
        return place.held.drop();
      case "fail":
        return this.close();
      case "end":
        if (!place.held.complete) return this.close();
        delete place.feed;
        return this.#release(topic, place, cover);
    }
  }

  /** With 1013. */
  close(): void {
    for (const topic of [...this.places.keys()]) this.#end(topic);
    this.log.push("closed 1013");
    this.closed = true;
  }

  /** The reply to a push carries the join_ref of the topic; one that belongs to no join carries none. */
  #answer(topic: string, { joinRef, ref }: Address): void {
    const place = this.places.get(topic);
    if (isOf(place, joinRef)) this.log.push(replied("ok", { joinRef: place.joinRef, ref }, topic));
    else this.log.push(replied("error", { joinRef: null, ref }, topic));
  }

  #end(topic: string): void {
    if (this.places.get(topic)?.accepted) this.left += 1;
    this.places.delete(topic);
  }

  /** Ok means left: a leave of an earlier join is ignored while the topic is joined. */
  leave(topic: string, { joinRef, ref }: Address): void {
    const place = this.places.get(topic);
    if (place === undefined) this.log.push(replied("ok", { joinRef, ref }, topic));
    if (!isOf(place, joinRef)) return;
    this.#end(topic);
    this.log.push(replied("ok", { joinRef: place.joinRef, ref }, topic), closed(place, topic));
  }

  push(topic: string, address: Address): void {
    const place = this.places.get(topic);
    if (isOf(place, address.joinRef) && place.pending !== undefined) place.pending.pushes.push(address);
    else this.#answer(topic, address);
  }

  broadcast(topic: string, n: number): void {
    const place = this.places.get(topic);
    if (place?.held !== undefined) place.held.keep(n);
    else if (place !== undefined) this.log.push(`news ${n} ${topic}`);
  }

  evict(topic: string): void {
    const place = this.places.get(topic);
    if (place === undefined) return;
    if (place.pending !== undefined) {
      place.held?.restart();
      place.pending.question = this.questions++;
      return;
    }
    this.#end(topic);
    this.log.push(closed(place, topic));
  }
}

interface OpenFeed {
  readonly feed: Feed;
  readonly cover: Cover;
  readonly settled: PromiseWithResolvers<void>;
}

/** The real session on a wire of paper. */
class Bench implements Wire {
  hasRoom = true;
  readonly isCrowded = false;
  readonly log: string[] = [];
  #whenDrained: (() => void)[] = [];
  readonly subscribed = new Set<string>();
  readonly topics = new Topics<Subscription<string>>();
  readonly joins = joinsByHand();
  readonly feeds: OpenFeed[] = [];
  failures: string[] = [];
  accepted = 0;
  left = 0;
  readonly quota = new TopicQuota({ most: 1_000 });
  readonly session: Session<string>;

  constructor() {
    const channel: Channel<string> = {
      join: this.joins.join,
      receive: (push) => push.reply(true, "{}"),
      left: () => {
        this.left += 1;
      },
    };
    const settings = { ...phoenixDefaults, maxWaitingFrames: 1_000, maxHeldBroadcasts };
    const routes = () => channel;
    const { topics } = this;
    this.session = new Session<string>({
      identity: "ada",
      wire: this,
      settings,
      topics,
      routes,
      intake: new Intake({ identity: "ada", clock: { now: () => 0 }, framesPerMin: 0, uselessPerMin: 0 }),
      observer: { ...silentObserver, failed: (where) => this.failures.push(where) },
      quota: this.quota,
      owner: "ada",
    });
  }

  send(frame: string): void {
    const [joinRef, ref, topic, event, payload] = JSON.parse(frame);
    if (event === "phx_reply") this.log.push(replied(payload.status, { joinRef, ref }, topic));
    else if (event === "phx_close") this.log.push(`close ${JSON.stringify([joinRef, ref])} ${topic}`);
    else this.log.push(`${event} ${payload} ${topic}`);
  }
  push(frame: string): void {
    this.send(frame);
  }
  unprove(): void {}
  subscribe(topic: string): void {
    this.subscribed.add(topic);
  }
  unsubscribe(topic: string): void {
    this.subscribed.delete(topic);
  }
  publish(): boolean {
    return true;
  }
  noteOverrun(): void {}
  prove(): void {}
  whenDrained(then: () => void): void {
    if (this.hasRoom) then();
    else this.#whenDrained.push(then);
  }
  async room(has: boolean): Promise<void> {
    this.hasRoom = has;
    if (has) for (const then of this.#whenDrained.splice(0)) then();
    await promisesToRun();
  }
  close(code: number): void {
    this.log.push(`closed ${code}`);
  }

  broadcast(topic: string, n: number, alone: boolean): void {
    const frame = encodeBroadcast(topic, "news", String(n));
    const position = { stream: streamOf(n), at: n };
    if (alone) for (const subscription of this.topics.listeners(topic)) subscription.tell(frame, position);
    else if (this.topics.hold(topic, frame, position) && this.subscribed.has(topic)) this.send(frame);
  }

  async settle(question: number, ok: boolean, cover: Cover, backfill: boolean): Promise<void> {
    this.joins.settle(question, ok ? this.#accepting(cover, backfill) : { ok, response: "{}" });
    await promisesToRun();
  }

  #accepting(cover: Cover, backfill: boolean): JoinOutcome {
    const { covers } = cover;
    const accepted = () => {
      this.accepted += 1;
    };
    const outcome = { ok: true as const, response: "{}", covers, accepted };
    return backfill ? { ...outcome, backfill: (feed) => this.#open(feed, cover) } : outcome;
  }

  #open(feed: Feed, cover: Cover): Promise<void> {
    const settled = Promise.withResolvers<void>();
    this.feeds.push({ feed, cover, settled });
    return settled.promise;
  }

  async feed({ feed, settled }: OpenFeed, does: FeedDoes, turn: number): Promise<void> {
    if (does === "push") feed.push("fed", String(turn));
    if (does === "hold") feed.hold();
    if (does === "drop") feed.drop();
    if (does === "end") settled.resolve();
    if (does === "fail") settled.reject(new Error("no database"));
    await promisesToRun();
  }
}

async function promisesToRun(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await null;
}

/** Plays one sequence to both, until the socket is closed. `open`: questions that nobody has answered yet, and feeds. */
class Game {
  readonly model = new Model();
  readonly bench = new Bench();
  readonly #open: number[] = [];
  readonly #openFeeds: number[] = [];
  #turn = 0;

  async play(ops: readonly Op[]): Promise<void> {
    for (const step of ops) {
      if (this.model.closed) return;
      this.#turn += 1;
      const { questions, feeds } = this.model;
      if (step.op === "settle") await this.#settle(step);
      else if (step.op === "feed") await this.#feed(step);
      else if (step.op === "room") await this.#room(step.has);
      else this.#act(step);
      for (let next = questions; next < this.model.questions; next++) this.#open.push(next);
      for (let next = feeds; next < this.model.feeds; next++) this.#openFeeds.push(next);
    }
  }

  async #room(has: boolean): Promise<void> {
    this.model.room(has);
    await this.bench.room(has);
  }

  async #settle({ nth, ok, covers, backfill }: Step<"settle">): Promise<void> {
    const [question] = this.#open.splice(nth % Math.max(1, this.#open.length), 1);
    if (question === undefined) return;
    const cover = new Cover(this.#turn - covers * 3);
    this.model.settle(question, ok, cover, backfill);
    await this.bench.settle(question, ok, cover, backfill);
  }

  /** Feeds that are over go on too, as a backfill does that has not noticed. */
  async #feed({ nth, does }: Step<"feed">): Promise<void> {
    const at = nth % Math.max(1, this.#openFeeds.length);
    const number = this.#openFeeds[at];
    const open = number === undefined ? undefined : this.bench.feeds[number];
    if (number === undefined || open === undefined) return;
    if (does === "read") open.cover.at = this.#turn;
    if (does === "end" || does === "fail") this.#openFeeds.splice(at, 1);
    this.model.feed(number, does, this.#turn, open.cover);
    await this.bench.feed(open, does, this.#turn);
    this.#compare(number, open.feed);
  }

  #compare(number: number, feed: Feed): void {
    const place = this.model.placeOf(number)?.[1];
    expect(feed.isOver).toBe(place === undefined);
    if (place !== undefined) expect(feed.isComplete).toBe(place.held?.complete === true);
  }

  async settleAll(): Promise<void> {
    await this.bench.room(true);
    for (const question of this.#open) await this.bench.settle(question, true, new Cover(0), true);
    for (const { settled } of this.bench.feeds) settled.resolve();
    await promisesToRun();
  }

  #act(step: Exclude<Op, { op: "settle" | "feed" | "room" }>): void {
    if (step.op === "join") return this.#join(step);
    if (step.op === "broadcast") return this.#broadcast(step);
    if (step.op === "evict") return this.#evict(step.topic);
    this.#say(step);
  }

  #join({ topic, payload, form }: Step<"join">): void {
    const ref = form === "integer" ? this.#turn : String(this.#turn);
    const joinRef = form === "none" ? null : ref;
    this.model.join(topic, { joinRef, ref }, payload);
    this.bench.session.receive(new Frame(joinRef, ref, topic, "phx_join", payload, 10));
  }

  #broadcast({ topic, alone }: Step<"broadcast">): void {
    this.model.broadcast(topic, this.#turn);
    this.bench.broadcast(topic, this.#turn, alone);
  }

  #evict(topic: string): void {
    this.model.evict(topic);
    for (const subscription of this.bench.topics.listeners(topic)) subscription.evict();
  }

  #say({ op, topic, form, names }: Step<"leave" | "push">): void {
    const ref = form === "integer" ? this.#turn : String(this.#turn);
    const joinRef = this.#named(names, this.model.places.get(topic)?.joinRef ?? null);
    this.model[op](topic, { joinRef, ref });
    const event = op === "leave" ? "phx_leave" : "say";
    this.bench.session.receive(new Frame(joinRef, ref, topic, event, {}, 10));
  }

  #named(names: Names, current: Ref): Ref {
    if (names === "none") return null;
    if (names === "stale") return "stale";
    if (names === "current" || current === null) return current;
    return typeof current === "number" ? String(current) : Number(current);
  }
}

test("whatever is sent and settled in whatever order, the socket hears exactly what the model says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyOp, { maxLength: 60, size: "max" }), async (ops) => {
      const game = new Game();
      await game.play(ops);
      const { model, bench } = game;
      expect(bench.log).toEqual(model.log);
      expect(bench.joins.asked.length).toBe(model.questions);
      expect([bench.accepted, bench.left]).toEqual([model.accepted, model.left]);
      expect(bench.failures).toEqual(Array(model.failures).fill("backfill"));
      expect(bench.feeds.length).toBe(model.feeds);
      const inside = [...model.places]
        .filter(([, place]) => place.held === undefined)
        .map(([topic]) => topic);
      expect([...bench.subscribed].sort()).toEqual(inside.sort());
      expect(bench.topics.size).toBe(model.places.size);
      bench.session.end();
      await game.settleAll();
      expect(bench.session.budget.untouched).toBe(true);
      expect(bench.quota.countOf("ada")).toBe(0);
      expect([bench.topics.size, bench.subscribed.size]).toEqual([0, 0]);
    }),
    { numRuns: 500 },
  );
});
