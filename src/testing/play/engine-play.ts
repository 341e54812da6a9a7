import type { Command } from "../../core/commands.ts";
import type { MarkKind, MarkMember } from "../../core/messages/marks.ts";
import type { Message } from "../../core/messages/message.ts";
import { keyLifetimeUs } from "../../core/messages/send-key.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { CommitPort } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import type { Frame } from "../../core/ports/pubsub.ts";
import { isRejection } from "../../core/rejection.ts";
import type { Engine, startEngine } from "../../engine/engine.ts";
import { newId } from "../../system.ts";
import { aMessageSent, aSend, membersNamed, noteTaker, type ObserverNotes } from "../builders/builders.ts";
import { Random } from "../builders/random.ts";
import { settled, VirtualClock } from "../clock.ts";
import { unheard } from "../model/bus.ts";
import { portsOverWire } from "../model/engine-on-model.ts";
import { MisbehavingCommit } from "../model/misbehaving-commit.ts";
import { ModelStore } from "../model/model-store.ts";
import { type ModelOwnership, otherNode } from "../model/ownership.ts";
import { noFaults, StoreWire } from "../model/wire.ts";
import { LogJudge } from "./log-judge.ts";
import { MarkJudge } from "./mark-judge.ts";
import { OutcomeJudge, type Sent } from "./outcome-judge.ts";
import { blocksOf, RandomCommands, stranger, type Talk } from "./random-commands.ts";
import { someFaults, someSettings } from "./random-settings.ts";

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

/**
 * Plays members, strangers and a store that misbehaves, in virtual time. The same seed plays the same. Every outcome is judged at the moment
 * when it is given.
 */
export async function play(seed: number, options: PlayOptions): Promise<Played> {
  const stage = new Stage(seed, options);
  await stage.act();
  await stage.calm();
  stage.judgeTheEnd();
  return { violations: stage.violations, outcomes: stage.outcomes };
}

/** A batch may still hang when every command that waited for it was answered that its outcome is unknown. */
const longestHangMs = 10_000;

class Stage {
  readonly violations: string[] = [];
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #model = new ModelStore({ loadedKeys: 4 });
  readonly #wire: StoreWire;
  readonly #ownership: ModelOwnership;
  readonly #notes: ObserverNotes = noteTaker();
  readonly #engine: Engine;
  readonly #talks: readonly Talk[];
  readonly #commands: RandomCommands;
  readonly #logs: LogJudge;
  readonly #marks: MarkJudge;
  readonly #judge: OutcomeJudge;
  readonly #sent = new Map<string, Sent>();
  #underWay = 0;
  #retriesLeft = 20;

  constructor(seed: number, options: PlayOptions) {
    const random = new Random(seed);
    this.#random = random;
    const [model, clock] = [this.#model, this.#clock];
    const expect = (holds: boolean, otherwise: string) => this.#expect(holds, otherwise);
    const logs = new LogJudge({ model, expect });
    this.#logs = logs;
    this.#marks = new MarkJudge({ model, logs, expect });
    this.#talks = Array.from({ length: 1 + random.below(5) }, () => this.#aTalk(random.chance(0.5)));
    this.#commands = new RandomCommands({ random, model, onEdit: (command) => logs.edits(command) });
    const deadlineMs = random.pick([300, 8_000]);
    this.#judge = new OutcomeJudge({ model, logs, clock, deadlineMs, expect });
    this.#wire = new StoreWire({ clock, random, faults: someFaults(random) });
    const ports = portsOverWire(model, this.#wire);
    this.#ownership = ports.ownership;
    this.#engine = this.#start(ports, options, deadlineMs);
  }

  get outcomes(): Readonly<Record<string, number>> {
    return this.#judge.outcomes;
  }

  #start(ports: ReturnType<typeof portsOverWire>, options: PlayOptions, deadlineMs: number): Engine {
    const commit = new MisbehavingCommit({
      model: this.#model,
      wire: this.#wire,
      rivalWrites: (conversationId) => this.#rivalWrites(conversationId),
    });
    return options.startEngine({
      ports: {
        ...ports,
        commits: [options.wrapCommit?.(commit, this.#clock) ?? commit],
        pubsub: { publish: (frame) => this.#published(frame), ...unheard },
        clock: this.#clock,
        observer: this.#notes.observer,
      },
      settings: someSettings(this.#random, deadlineMs),
    });
  }

  #aTalk(isGroup: boolean): Talk {
    const users = Array.from({ length: isGroup ? 5 : 2 }, () => newId());
    const members = isGroup ? users.slice(0, 3) : users;
    const id = newId();
    this.#model.create(id, membersNamed(members), isGroup ? "group" : "direct");
    this.#logs.began(id, members);
    return { id, users, isGroup };
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
    this.#wire.faults = noFaults;
    this.#ownership.gain();
    this.#retriesLeft = 0;
    await this.#clock
      .runUntil(() => this.#isQuiet(), 60_000)
      .catch(() => {
        this.violations.push("not everything was answered");
      });
    await this.#clock.runFor(longestHangMs);
    for (const talk of this.#talks) await this.#expectToWork(talk);
    const drained = this.#engine.drain();
    await this.#clock.runFor(1_000);
    await Promise.race([drained, settled().then(() => this.violations.push("the drain does not end"))]);
    this.#engine.stop();
  }

  async #expectToWork({ id, users, isGroup }: Talk): Promise<void> {
    const member = this.#model.present(id)[0];
    if (!member) return;
    if (!isGroup) this.#submit(blocksOf(id, users, []));
    const last = aSend({ conversationId: id, senderId: member.userId, content: "still there?" });
    this.#submit(last);
    await this.#clock.runUntil(() => this.#sent.get(last.id)!.answers > 0, 60_000);
    this.#expect(this.#model.has(id, last.id), "a conversation does not work any more");
  }

  judgeTheEnd(): void {
    for (const misuse of this.#model.misuses) this.violations.push(`a batch with a gap: ${misuse}`);
    for (const { error, where } of this.#notes.bugs)
      if (where !== "a change that the store refuses") this.violations.push(`bug in ${where}: ${error}`);
    for (const sent of this.#sent.values()) this.#judge.judgeOnce(sent);
    for (const { id } of this.#talks) this.#logs.judge(id);
  }

  #actOnce(): void {
    const talk = this.#random.pick(this.#talks);
    const dice = this.#random.below(100);
    if (dice < 8) return this.#join(talk.id, this.#random.pick([...talk.users, stranger]));
    if (dice < 9) return this.#loseTheRightForAWhile();
    if (dice < 10) return this.#loseShardsForAWhile();
    if (dice < 12)
      return this.#clock.stepWallClock(this.#random.pick([-1_000_000, 1_000_000, keyLifetimeUs]));
    if (dice < 25) return this.#mark(talk);
    const burst = this.#random.pick([1, 1, 2, 5, 30]);
    for (let count = 0; count < burst; count++) this.#submit(this.#commands.next(talk));
  }

  #mark({ id, users }: Talk): void {
    const userId = this.#random.chance(0.1) ? stranger : this.#random.pick(users);
    const kind: MarkKind = this.#random.pick(["delivered", "read"]);
    const head = this.#messagesOf(id).length;
    const mark: MarkMember = {
      type: "mark",
      conversationId: id,
      userId,
      kind,
      seq: this.#random.below(head + 4),
    };
    this.#underWay++;
    let answers = 0;
    this.#engine.marks.note(mark, (refusal) => {
      this.#underWay--;
      this.#expect(++answers === 1, "a mark was answered twice");
      this.#marks.answered(mark, head, refusal);
    });
  }

  /** Another node takes some shards, and this one notices now or when it writes. They come back. */
  #loseShardsForAWhile(): void {
    this.#marks.hasLostShards = true;
    const shards = this.#talks.map(({ id }) => shardOf(id)).filter(() => this.#random.chance(0.5));
    if (this.#random.chance(0.5)) this.#ownership.lose(shards, otherNode);
    else this.#ownership.steal(shards);
    this.#clock.after(this.#random.below(600), () => this.#ownership.gain(shards));
  }

  #loseTheRightForAWhile(): void {
    this.#ownership.lose();
    this.#clock.after(this.#random.below(600), () => {
      if (this.#random.chance(0.3)) this.#rivalWrites(this.#random.pick(this.#talks).id);
      this.#ownership.gain();
    });
  }

  /** Another owner's message, or deletion of one, stored at a new epoch. */
  #rivalWrites(conversationId: string): void {
    const log = this.#model.logs.get(conversationId)!;
    const rev = log.rev + 1;
    this.#logs.rivalWrote(conversationId, rev);
    const message = log.messages.at(-1);
    if (message?.deletedAtUs === null && this.#random.chance(0.4)) {
      const erased = { content: "", metadata: "{}", attachments: null, reactions: null };
      const deleted = { ...message, ...erased, rev, deletedAtUs: this.#clock.nowUs() };
      return this.#model.write(conversationId, [
        { type: "message_deleted", conversationId, rev, changeId: newId(), message: deleted },
      ]);
    }
    const seq = log.messages.length + 1;
    const sentAtUs = Math.max(this.#clock.nowUs(), (message?.sentAtUs ?? 0) + 1);
    this.#model.write(conversationId, [aMessageSent({ conversationId, seq, rev, sentAtUs })]);
  }

  #submit(command: Command): void {
    const sent: Sent = { command, place: this.#sent.size, atMs: this.#clock.monotonicMs(), answers: 0 };
    this.#sent.set(command.id, sent);
    this.#engine.commands.submit(command, (outcome) => this.#answered(sent, outcome), null);
  }

  #answered(sent: Sent, outcome: Outcome): void {
    this.#judge.judge(sent, outcome);
    if (outcome.type !== "rejection") return;
    const { command } = sent;
    const mayRetry = outcome.code === "outcome_unknown" || outcome.code === "unavailable";
    if (command.type !== "send_message" || !mayRetry || this.#retriesLeft-- <= 0) return;
    this.#clock.after(this.#random.below(100), () => this.#submit({ ...command, id: newId() }));
  }

  #join(conversationId: string, viewerId: string): void {
    const atLeast = this.#judge.ackedSeq(conversationId);
    this.#underWay++;
    void this.#engine.joins
      .conversation({ viewerId, conversationId, since: null })
      .then((joined) => {
        if (isRejection(joined))
          return this.#expect(
            !this.#logs.isSteadyMember(conversationId, viewerId) || joined.code === "unavailable",
            "a member may not join",
          );
        const seq = joined.facts.head!.seq;
        this.#expect(viewerId !== stranger, "a stranger joins");
        this.#expect(seq >= atLeast, "a join tells of less than what was acknowledged before it");
        this.#expect(seq <= this.#messagesOf(conversationId).length, "a join tells of what is not stored");
      })
      .finally(() => this.#underWay--);
  }

  #published(frame: Frame): void {
    if (frame.type === "changes") this.#logs.heard(frame);
    if (frame.type === "marks") this.#marks.published(frame);
  }

  #messagesOf(id: string): readonly Message[] {
    return this.#model.logs.get(id)?.messages ?? [];
  }

  #isQuiet(): boolean {
    const isAnswered = [...this.#sent.values()].every((sent) => sent.answers > 0);
    return this.#underWay === 0 && isAnswered && this.#notes.gauges.get("lane_queue_rows")!() === 0;
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise);
  }
}
