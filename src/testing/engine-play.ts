import type { MessageSent } from "../core/messages/message.ts";
import { keyLifetimeUs } from "../core/messages/recent-keys.ts";
import type { SendMessage } from "../core/messages/send.ts";
import type { Frame } from "../core/ports/pubsub.ts";
import type { CommitPort } from "../core/ports/store.ts";
import type { RefusalCode } from "../core/rejection.ts";
import { isRejection } from "../core/rejection.ts";
import type { Engine, startEngine } from "../engine/engine.ts";
import type { Outcome } from "../engine/outcome.ts";
import { newId } from "../system.ts";
import { aMessageSent, aSend, membersNamed, noteTaker, type ObserverNotes } from "./builders.ts";
import { settled, VirtualClock } from "./clock.ts";
import { type Faults, MisbehavingStore, ModelStore, noFaults, poison } from "./commit-port.ts";
import { unlimited } from "./limits-off.ts";
import { Random } from "./random.ts";

/** What can be varied to see whether the play notices. */
export interface PlayOptions {
  readonly startEngine: typeof startEngine;
  readonly wrapCommit?: (port: CommitPort, clock: VirtualClock) => CommitPort;
}

export interface Played {
  /** In words, each thing that must not happen and did. */
  readonly violations: readonly string[];
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Members, strangers and a store that misbehaves, in virtual time: the same seed plays the same. Every answer is judged when it is given. */
export async function play(seed: number, options: PlayOptions): Promise<Played> {
  const stage = new Stage(seed, options);
  await stage.act();
  await stage.calm();
  stage.judgeTheEnd();
  return { violations: stage.violations, outcomes: stage.outcomes };
}

interface Sent {
  readonly command: SendMessage;
  readonly place: number;
  readonly atMs: number;
  answers: number;
}

const stranger = newId();
const unknownConversation = newId();
const keysInUse = 12;
const sweepMs = 250;
/** A batch may still hang when everybody who waited for it was told that its outcome is unknown. */
const longestHangMs = 10_000;
/** Reading the message that answers a duplicate comes on top of a deadline. */
const readSlackMs = 1_000;

class Stage {
  readonly violations: string[] = [];
  readonly outcomes: Record<string, number> = {};
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #model = new ModelStore({ loadedKeys: 4 });
  readonly #store: MisbehavingStore;
  readonly #notes: ObserverNotes = noteTaker();
  readonly #engine: Engine;
  readonly #conversations: readonly { readonly id: string; readonly members: readonly string[] }[];
  readonly #deadlineMs: number;
  readonly #sent = new Map<string, Sent>();
  readonly #rivalIds = new Set<string>();
  readonly #toldRevs = new Map<string, number[]>();
  readonly #ackedSeq = new Map<string, number>();
  readonly #lastStrangerRefused = new Map<string, number>();
  #joinsUnderWay = 0;
  #retriesLeft = 20;

  constructor(seed: number, options: PlayOptions) {
    this.#random = new Random(seed);
    const random = this.#random;
    this.#conversations = Array.from({ length: 1 + random.below(5) }, () => ({
      id: newId(),
      members: [newId(), newId()],
    }));
    for (const { id, members } of this.#conversations) this.#model.create(id, membersNamed(members));
    this.#store = new MisbehavingStore({
      model: this.#model,
      clock: this.#clock,
      random,
      faults: someFaults(random),
      rivalWrites: (conversationId) => this.#rivalWrites(conversationId),
    });
    this.#deadlineMs = random.pick([300, 8_000]);
    this.#engine = options.startEngine({
      ports: {
        commits: [options.wrapCommit?.(this.#store, this.#clock) ?? this.#store],
        actorReads: this.#store,
        viewerReads: Object.assign(this.#store, unusedReads),
        creation: unusedReads,
        cursors: unusedReads,
        own: unusedReads,
        ownership: this.#store,
        pubsub: { publish: (frame) => this.#hear(frame), subscribe() {} },
        limiter: unlimited,
        clock: this.#clock,
        observer: this.#notes.observer,
      },
      settings: {
        lane: { maxRows: random.pick([1, 3, 8, 500]), maxBytes: random.pick([30, 1 << 20]) },
        supervisor: {
          maxActors: random.pick([2, 50]),
          maxTurnsPerActor: random.pick([6, 1_000]),
        },
        registry: {
          commandDeadlineMs: this.#deadlineMs,
          maxTurns: random.pick([20, 5_000]),
          maxTurnBytes: 1 << 20,
        },
      },
    });
  }

  async act(): Promise<void> {
    const steps = 30 + this.#random.below(90);
    for (let step = 0; step < steps; step++) {
      this.#actOnce();
      await this.#clock.runFor(this.#random.pick([0, 0, 0, 0, 1, 5, 50]));
    }
  }

  /** The store behaves again: everything must come to its end, and every conversation must work as if nothing had been. */
  async calm(): Promise<void> {
    this.#store.faults = noFaults;
    this.#store.gain();
    this.#retriesLeft = 0;
    await this.#clock
      .runUntil(() => this.#isQuiet(), 60_000)
      .catch(() => {
        this.violations.push("not everything was answered");
      });
    await this.#clock.runFor(longestHangMs);
    for (const { id, members } of this.#conversations) {
      const last = aSend({ conversationId: id, senderId: members[0]!, content: "still there?" });
      this.#submit(last);
      await this.#clock.runUntil(() => this.#sent.get(last.id)!.answers > 0, 60_000);
      if (!this.#model.has(id, last.id)) this.violations.push("a conversation does not work any more");
    }
    const drained = this.#engine.drain();
    await this.#clock.runFor(1_000);
    await Promise.race([drained, settled().then(() => this.violations.push("the drain does not end"))]);
    this.#engine.stop();
  }

  judgeTheEnd(): void {
    for (const misuse of this.#model.misuses) this.violations.push(`a batch with a gap: ${misuse}`);
    for (const { error, where } of this.#notes.bugs)
      if (where !== "a change that the store refuses") this.violations.push(`bug in ${where}: ${error}`);
    for (const sent of this.#sent.values()) this.#judgeOnce(sent);
    for (const { id } of this.#conversations) this.#judgeLog(id);
  }

  #actOnce(): void {
    const { id, members } = this.#random.pick(this.#conversations);
    const dice = this.#random.below(100);
    if (dice < 8) return this.#join(id, this.#random.pick([...members, stranger]));
    if (dice < 10) return this.#loseTheRightForAWhile();
    if (dice < 12)
      return this.#clock.stepWallClock(this.#random.pick([-1_000_000, 1_000_000, keyLifetimeUs]));
    const burst = this.#random.pick([1, 1, 2, 5, 30]);
    for (let count = 0; count < burst; count++) this.#submit(this.#anyCommand(id, members));
  }

  #anyCommand(conversationId: string, members: readonly string[]): SendMessage {
    const random = this.#random;
    return aSend({
      conversationId: random.chance(0.03) ? unknownConversation : conversationId,
      senderId: random.chance(0.05) ? stranger : random.pick(members),
      content: random.chance(0.02) ? poison : `text ${this.#sent.size}`,
      clientRandom: random.chance(0.2) ? null : random.below(keysInUse),
    });
  }

  #loseTheRightForAWhile(): void {
    this.#store.lose();
    this.#clock.after(this.#random.below(600), () => {
      if (this.#random.chance(0.3)) this.#rivalWrites(this.#random.pick(this.#conversations).id);
      this.#store.gain();
    });
  }

  /** Another owner's message, stored at a new epoch. */
  #rivalWrites(conversationId: string): void {
    const log = this.#model.logs.get(conversationId)!;
    const seq = log.messages.length + 1;
    const sentAtUs = Math.max(this.#clock.nowUs(), (log.messages.at(-1)?.sentAtUs ?? 0) + 1);
    const event = aMessageSent({ conversationId, seq, rev: log.rev + 1, sentAtUs });
    this.#rivalIds.add(event.id);
    this.#model.write(conversationId, [event]);
  }

  #submit(command: SendMessage): void {
    const sent: Sent = { command, place: this.#sent.size, atMs: this.#clock.monotonicMs(), answers: 0 };
    this.#sent.set(command.id, sent);
    this.#engine.commands.submit(command, (outcome) => this.#judge(sent, outcome));
  }

  #join(conversationId: string, viewerId: string): void {
    const atLeast = this.#ackedSeq.get(conversationId) ?? 0;
    this.#joinsUnderWay++;
    void this.#engine.joins
      .conversation({ viewerId, conversationId, since: null })
      .then((joined) => {
        if (isRejection(joined))
          return this.#expect(
            viewerId === stranger || joined.code === "unavailable",
            "a member may not join",
          );
        const seq = joined.facts.head!.seq;
        this.#expect(viewerId !== stranger, "a stranger joins");
        this.#expect(seq >= atLeast, "a join tells of less than what was acknowledged before it");
        this.#expect(seq <= this.#logOf(conversationId).length, "a join tells of what is not stored");
      })
      .finally(() => this.#joinsUnderWay--);
  }

  #judge(sent: Sent, outcome: Outcome): void {
    sent.answers++;
    const kind = outcome.type === "rejection" ? outcome.code : outcome.type;
    this.outcomes[kind] = (this.outcomes[kind] ?? 0) + 1;
    const tookMs = this.#clock.monotonicMs() - sent.atMs;
    this.#expect(tookMs <= this.#deadlineMs + sweepMs + readSlackMs, `${kind} came after ${tookMs} ms`);
    if (outcome.type === "rejection") return this.#judgeRefusal(sent, outcome.code, tookMs);
    const { command } = sent;
    const message = outcome.type === "done" ? (outcome.events[0] as MessageSent) : outcome.message;
    const stored = this.#model.message(command.conversationId, message.seq);
    this.#expect(stored?.id === message.id, `${kind} tells of what is not stored`);
    this.#expect(stored?.content === message.content, `${kind} tells of another content`);
    this.#expect(message.senderId === command.senderId, `${kind} tells of another's message`);
    this.#expect(message.clientRandom === command.clientRandom, `${kind} tells of another key`);
    this.#expect((message.id === command.id) === (kind === "done"), `${kind} tells of another command`);
    const acked = this.#ackedSeq.get(command.conversationId) ?? 0;
    this.#ackedSeq.set(command.conversationId, Math.max(acked, message.seq));
    if (kind !== "done") return;
    const overtook = (this.#lastStrangerRefused.get(command.conversationId) ?? -1) > sent.place;
    this.#expect(!overtook, "a refusal left before what it was decided after was durable");
  }

  #judgeRefusal({ command }: Sent, code: RefusalCode, tookMs: number): void {
    const isStranger = command.senderId === stranger || command.conversationId === unknownConversation;
    if (code === "not_found") {
      this.#expect(isStranger, "a member is told that the conversation does not exist");
      this.#lastStrangerRefused.set(command.conversationId, this.#sent.get(command.id)!.place);
    }
    if (code === "internal")
      this.#expect(command.content === poison, "a good command is refused as internal");
    if (code === "outcome_unknown") this.#expect(tookMs >= this.#deadlineMs, "unknown before the deadline");
    const mayRetry = code === "outcome_unknown" || code === "unavailable";
    if (!mayRetry || this.#retriesLeft-- <= 0) return;
    this.#clock.after(this.#random.below(100), () => this.#submit({ ...command, id: newId() }));
  }

  /** Every frame tells of what is stored, in order. */
  #hear(frame: Frame): void {
    if (frame.type !== "changes") return;
    const revs = this.#toldRevs.get(frame.conversationId) ?? [];
    this.#expect((revs.at(-1) ?? 0) < frame.rev, "a frame out of order");
    revs.push(frame.rev);
    this.#toldRevs.set(frame.conversationId, revs);
    for (const event of frame.events) {
      if (event.type !== "message_sent") continue;
      const stored = this.#model.message(frame.conversationId, event.seq);
      this.#expect(stored?.id === event.id, "a frame tells of what is not stored");
    }
  }

  #judgeOnce({ answers, command }: Sent): void {
    this.#expect(answers === 1, `a command was answered ${answers} times`);
    const isGood = command.senderId !== stranger && command.content !== poison;
    if (!isGood)
      this.#expect(!this.#model.has(command.conversationId, command.id), "what was refused is stored");
  }

  #judgeLog(id: string): void {
    const log = this.#logOf(id);
    const told = new Set(this.#toldRevs.get(id) ?? []);
    const ids = new Set(log.map((message) => message.id));
    this.#expect(ids.size === log.length, "a command is stored twice");
    log.forEach((message, index) => {
      this.#expect(message.seq === index + 1 && message.rev === index + 1, "a hole in the log");
      this.#expect(message.sentAtUs > (log[index - 1]?.sentAtUs ?? 0), "sent_at does not grow");
      this.#expect(
        told.has(message.rev) !== this.#rivalIds.has(message.id),
        "a stored message was not told, or another's was",
      );
    });
    const uses = Map.groupBy(
      log.filter((message) => message.clientRandom !== null),
      (message) => `${message.senderId} ${message.clientRandom}`,
    );
    for (const same of uses.values())
      same.forEach((message, index) => {
        const isLater = index === 0 || message.sentAtUs - same[index - 1]!.sentAtUs >= keyLifetimeUs;
        this.#expect(isLater, "a key was used twice within 24 hours");
      });
  }

  #logOf(id: string) {
    return this.#model.logs.get(id)!.messages;
  }

  #isQuiet(): boolean {
    return (
      this.#joinsUnderWay === 0 &&
      [...this.#sent.values()].every((sent) => sent.answers > 0) &&
      this.#notes.gauges.get("lane_queue_rows")!() === 0
    );
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise);
  }
}

function someFaults(random: Random): Faults {
  const some = () => random.pick([0, 0, 0.05, 0.3]);
  return { again: some(), lost: some(), hangs: some(), slow: some(), rival: some(), reads: some() };
}

const unusedReads = {
  listConversations: unused,
  showConversation: unused,
  readHistory: unused,
  changes: unused,
  createDirect: unused,
  createGroup: unused,
  register: unused,
  save: unused,
  markUnread: unused,
  clearUnread: unused,
};

function unused(): never {
  throw new Error("not part of this play");
}
