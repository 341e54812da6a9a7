/** Random sequences of frames, join completions, broadcasts and evictions against a tiny model of one socket. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Channel, JoinOutcome } from "./channel.ts";
import { encodeBroadcast, Frame } from "./codec.ts";
import type { Membership } from "./membership.ts";
import { silentObserver } from "./observer.ts";
import { Session } from "./session.ts";
import { phoenixDefaults } from "./settings.ts";
import { joinsByHand } from "./testing/endpoint.ts";
import { Topics } from "./topics.ts";
import type { Wire } from "./wire.ts";

type Op =
  | { readonly op: "join"; readonly topic: string; readonly payload: number }
  | { readonly op: "leave" | "push"; readonly topic: string; readonly stale: boolean }
  | { readonly op: "broadcast"; readonly topic: string }
  | { readonly op: "evict"; readonly topic: string }
  | { readonly op: "settle"; readonly nth: number; readonly ok: boolean; readonly covers: number };

type Step<Name extends Op["op"]> = Op & { readonly op: Name };

const topicName = fc.constantFrom("a", "b");
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("join" as const), topic: topicName, payload: fc.nat(1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("leave" as const), topic: topicName, stale: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("push" as const), topic: topicName, stale: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("broadcast" as const), topic: topicName }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("evict" as const), topic: topicName }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("settle" as const),
      nth: fc.nat(3),
      ok: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
      covers: fc.nat(3),
    }),
  },
);

/** What the model knows of a topic of the socket. `question`: the number of the only join whose answer counts. */
interface Place {
  joinRef: string;
  accepted: boolean;
  pending?: { question: number; payload: number; asked: string[]; held: number[]; pushes: string[] };
}

/** The expected frames, as short words: `ok 3 a`, `error 4 a`, `news 7 a`, `close 3 a`. */
class Model {
  readonly log: string[] = [];
  readonly places = new Map<string, Place>();
  questions = 0;
  accepted = 0;
  left = 0;

  join(topic: string, ref: string, payload: number): void {
    const place = this.places.get(topic) ?? { joinRef: ref, accepted: false };
    this.places.set(topic, place);
    place.joinRef = ref;
    const pending = place.pending ?? { question: -1, payload: -1, asked: [], held: [], pushes: [] };
    place.pending = pending;
    pending.asked.push(ref);
    if (pending.payload === payload) return;
    pending.payload = payload;
    pending.question = this.questions++;
  }

  settle(question: number, ok: boolean, position: number): void {
    for (const [topic, place] of this.places) {
      const pending = place.pending;
      if (pending?.question !== question) continue;
      delete place.pending;
      for (const ref of pending.asked) if (ok) this.log.push(`ok ${ref} ${topic}`);
      if (ok) this.#accept(topic, place, pending.held, position);
      else this.#end(topic);
      for (const ref of pending.asked) if (!ok) this.log.push(`error ${ref} ${topic}`);
      for (const ref of pending.pushes) this.#answer(topic, ref, ok);
    }
  }

  #accept(topic: string, place: Place, held: number[], position: number): void {
    place.accepted = true;
    this.accepted += 1;
    for (const n of held) if (n > position) this.log.push(`news ${n} ${topic}`);
  }

  #answer(topic: string, pushed: string, accepted: boolean): void {
    const [ref, joinRef] = pushed.split("/");
    const ok = accepted && joinRef === this.places.get(topic)?.joinRef;
    this.log.push(`${ok ? "ok" : "error"} ${ref} ${topic}`);
  }

  #end(topic: string): void {
    if (this.places.get(topic)?.accepted) this.left += 1;
    this.places.delete(topic);
  }

  leave(topic: string, ref: string, joinRef: string): void {
    const current = this.places.get(topic)?.joinRef === joinRef;
    if (current) this.#end(topic);
    this.log.push(`ok ${ref} ${topic}`);
    if (current) this.log.push(`close ${joinRef} ${topic}`);
  }

  push(topic: string, ref: string, joinRef: string): void {
    const place = this.places.get(topic);
    if (place?.pending !== undefined && place.joinRef === joinRef)
      place.pending.pushes.push(`${ref}/${joinRef}`);
    else this.log.push(`${place?.joinRef === joinRef ? "ok" : "error"} ${ref} ${topic}`);
  }

  broadcast(topic: string, n: number): void {
    const place = this.places.get(topic);
    if (place?.pending !== undefined) place.pending.held.push(n);
    else if (place !== undefined) this.log.push(`news ${n} ${topic}`);
  }

  evict(topic: string): void {
    const place = this.places.get(topic);
    if (place === undefined) return;
    if (place.pending !== undefined) {
      place.pending.held = [];
      place.pending.question = this.questions++;
      return;
    }
    this.#end(topic);
    this.log.push(`close ${place.joinRef} ${topic}`);
  }
}

/** The real session on a wire of paper. */
class Bench implements Wire {
  readonly log: string[] = [];
  readonly subscribed = new Set<string>();
  readonly topics = new Topics<Membership<string>>();
  readonly joins = joinsByHand();
  accepted = 0;
  left = 0;
  readonly session: Session<string>;

  constructor() {
    const channel: Channel<string> = {
      join: this.joins.join,
      receive: (push) => push.reply(true, "{}"),
      left: () => {
        this.left += 1;
      },
    };
    const settings = { ...phoenixDefaults, maxWaitingFrames: 1_000 };
    const routes = () => channel;
    const { topics } = this;
    this.session = new Session({
      identity: "ada",
      wire: this,
      settings,
      topics,
      routes,
      observer: silentObserver,
    });
  }

  send(frame: string): void {
    const [joinRef, ref, topic, event, payload] = JSON.parse(frame);
    if (event === "phx_reply") this.log.push(`${payload.status} ${ref} ${topic}`);
    else if (event === "phx_close") this.log.push(`close ${joinRef} ${topic}`);
    else this.log.push(`${event} ${payload} ${topic}`);
  }
  push(frame: string): void {
    this.send(frame);
  }
  subscribe(topic: string): void {
    this.subscribed.add(topic);
  }
  unsubscribe(topic: string): void {
    this.subscribed.delete(topic);
  }
  close(): void {}

  broadcast(topic: string, n: number): void {
    const frame = encodeBroadcast(topic, "news", String(n));
    if (this.topics.hold(topic, frame, n) && this.subscribed.has(topic)) this.send(frame);
  }

  async settle(question: number, ok: boolean, position: number): Promise<void> {
    const accepted = () => {
      this.accepted += 1;
    };
    const outcome: JoinOutcome = ok ? { ok, response: "{}", position, accepted } : { ok, response: "{}" };
    this.joins.settle(question, outcome);
    for (let turn = 0; turn < 4; turn += 1) await null;
  }
}

/** Plays one sequence to both. `open`: questions that nobody has answered yet. */
class Game {
  readonly model = new Model();
  readonly bench = new Bench();
  readonly #open: number[] = [];
  #turn = 0;

  async play(ops: readonly Op[]): Promise<void> {
    for (const step of ops) {
      this.#turn += 1;
      const asked = this.model.questions;
      if (step.op === "settle") await this.#settle(step);
      else this.#act(step);
      if (this.model.questions > asked) this.#open.push(asked);
    }
  }

  async #settle({ nth, ok, covers }: Step<"settle">): Promise<void> {
    const [question] = this.#open.splice(nth % Math.max(1, this.#open.length), 1);
    if (question === undefined) return;
    const position = this.#turn - covers * 3;
    this.model.settle(question, ok, position);
    await this.bench.settle(question, ok, position);
  }

  async settleAll(): Promise<void> {
    for (const question of this.#open) await this.bench.settle(question, true, 0);
  }

  #act(step: Exclude<Op, { op: "settle" }>): void {
    if (step.op === "join") return this.#join(step);
    if (step.op === "broadcast") return this.#broadcast(step.topic);
    if (step.op === "evict") return this.#evict(step.topic);
    this.#say(step);
  }

  #join({ topic, payload }: Step<"join">): void {
    const ref = String(this.#turn);
    this.model.join(topic, ref, payload);
    this.bench.session.receive(new Frame(ref, ref, topic, "phx_join", payload, 10));
  }

  #broadcast(topic: string): void {
    this.model.broadcast(topic, this.#turn);
    this.bench.broadcast(topic, this.#turn);
  }

  #evict(topic: string): void {
    this.model.evict(topic);
    for (const membership of this.bench.topics.listeners(topic)) membership.evict();
  }

  #say({ op, topic, stale }: Step<"leave" | "push">): void {
    const ref = String(this.#turn);
    const joinRef = stale ? "stale" : (this.model.places.get(topic)?.joinRef ?? "none");
    this.model[op](topic, ref, joinRef);
    const event = op === "leave" ? "phx_leave" : "say";
    this.bench.session.receive(new Frame(joinRef, ref, topic, event, {}, 10));
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
      const inside = [...model.places]
        .filter(([, place]) => place.pending === undefined)
        .map(([topic]) => topic);
      expect([...bench.subscribed].sort()).toEqual(inside.sort());
      expect(bench.topics.size).toBe(model.places.size);
      bench.session.end();
      await game.settleAll();
      expect(bench.session.budget.untouched).toBe(true);
      expect([bench.topics.size, bench.subscribed.size]).toEqual([0, 0]);
    }),
    { numRuns: 500 },
  );
});
