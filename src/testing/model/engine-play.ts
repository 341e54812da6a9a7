import { type Command, sendKeyOf, targetIdOf } from "../../core/commands.ts";
import type { ApplyBlocks, BlockedSide } from "../../core/conversations/blocks.ts";
import { roles } from "../../core/conversations/conversation.ts";
import type { MarkKind, MarkMoved } from "../../core/messages/marks.ts";
import type { Message, MessageSent } from "../../core/messages/message.ts";
import { reactionOf } from "../../core/messages/react.ts";
import { keyLifetimeUs } from "../../core/messages/recent-keys.ts";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { CommitPort } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import type { Frame, MarksFrame } from "../../core/ports/pubsub.ts";
import type { RefusalCode } from "../../core/rejection.ts";
import { isRejection } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/conversation/outcome.ts";
import type { Engine, startEngine } from "../../engine/engine.ts";
import { newId } from "../../system.ts";
import { aMessageSent, aSend, membersNamed, noteTaker, type ObserverNotes } from "../builders/builders.ts";
import { Random } from "../builders/random.ts";
import { settled, VirtualClock } from "../clock.ts";
import { unlimitedRequests } from "../costs/limits-off.ts";
import { LogJudge } from "../log-judge.ts";
import { type Faults, MisbehavingStore, ModelStore, noFaults, poison } from "./commit-port.ts";
import { otherNode } from "./ownership.ts";

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

interface Talk {
  readonly id: string;
  /** Those who are, were or may become members. */
  readonly users: readonly string[];
  readonly isGroup: boolean;
}

interface Sent {
  readonly command: Command;
  readonly place: number;
  readonly atMs: number;
  answers: number;
}

/** What is blocked between the two of a direct conversation that was there from the start. */
function blocksOf(conversationId: string, users: readonly string[], blocked: readonly string[]): ApplyBlocks {
  const [one, other] = [...membersNamed(users).values()].map((member) => ({
    userId: member.userId,
    member,
    isBlocked: blocked.includes(member.userId),
  })) as [BlockedSide, BlockedSide];
  return { type: "apply_blocks", id: newId(), conversationId, senderId: users[0]!, sides: [one, other] };
}

const stranger = newId();
const unknownConversation = newId();
const anHourUs = 3_600_000_000;
const keysInUse = 12;
/** Of each user; their keys are the same. */
const devicesInUse = [deviceTagOf(null), deviceTagOf("phone")];
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
  readonly #talks: readonly Talk[];
  readonly #judgeOfLogs: LogJudge;
  readonly #deadlineMs: number;
  readonly #sent = new Map<string, Sent>();
  readonly #toldMarks = new Map<string, number>();
  readonly #ackedSeq = new Map<string, number>();
  readonly #lastRefused = new Map<string, number>();
  /** To another node: their marks are refused. */
  #hasLostShards = false;
  #joinsUnderWay = 0;
  #marksUnderWay = 0;
  #retriesLeft = 20;

  constructor(seed: number, options: PlayOptions) {
    this.#random = new Random(seed);
    const random = this.#random;
    this.#judgeOfLogs = new LogJudge({
      model: this.#model,
      expect: (holds, otherwise) => this.#expect(holds, otherwise),
    });
    this.#talks = Array.from({ length: 1 + random.below(5) }, () => this.#aTalk(random.chance(0.5)));
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
        viewerReads: unusedReads,
        syncReads: Object.assign(this.#store, { changes: unused }),
        creation: unusedReads,
        cursors: unusedReads,
        lastSeen: unusedReads,
        own: unusedReads,
        ownership: this.#store.ownership,
        pubsub: { publish: (frame) => this.#hear(frame), subscribe() {} },
        clock: this.#clock,
        observer: this.#notes.observer,
      },
      settings: {
        lane: { maxRows: random.pick([1, 3, 8, 500]), maxBytes: random.pick([30, 1 << 20]) },
        supervisor: {
          maxActors: random.pick([2, 50]),
          maxActorBytes: random.pick([5_000, 1 << 28]),
          maxTurnsPerActor: random.pick([6, 1_000]),
        },
        registry: {
          commandDeadlineMs: this.#deadlineMs,
          maxTurns: random.pick([20, 5_000]),
          maxTurnBytes: 1 << 20,
        },
        requests: unlimitedRequests,
      },
    });
  }

  #aTalk(isGroup: boolean): Talk {
    const users = Array.from({ length: isGroup ? 5 : 2 }, () => newId());
    const members = isGroup ? users.slice(0, 3) : users;
    const id = newId();
    this.#model.create(id, membersNamed(members), isGroup ? "group" : "direct");
    this.#judgeOfLogs.began(id, members);
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
    this.#store.faults = noFaults;
    this.#store.ownership.gain();
    this.#retriesLeft = 0;
    await this.#clock
      .runUntil(() => this.#isQuiet(), 60_000)
      .catch(() => {
        this.violations.push("not everything was answered");
      });
    await this.#clock.runFor(longestHangMs);
    for (const { id, users, isGroup } of this.#talks) {
      const member = this.#model.present(id)[0];
      if (!member) continue;
      if (!isGroup) this.#submit(blocksOf(id, users, []));
      const last = aSend({ conversationId: id, senderId: member.userId, content: "still there?" });
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
    for (const { id } of this.#talks) this.#judgeOfLogs.judge(id);
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
    for (let count = 0; count < burst; count++) this.#submit(this.#anyCommand(talk));
  }

  #anyCommand({ id, users, isGroup }: Talk): Command {
    const random = this.#random;
    const given = {
      id: newId(),
      conversationId: random.chance(0.03) ? unknownConversation : id,
      senderId: random.chance(0.05) ? stranger : random.pick(users),
    };
    const dice = random.below(20);
    if (dice < 3) return this.#anEdit(given, id);
    if (dice < 4)
      return { type: "delete_message", ...given, messageId: this.#anyMessage(id), withinUs: anHourUs };
    if (dice < 7) return this.#aRelation(given, id);
    const userId = random.pick(users);
    if (isGroup && dice < 8) return { type: "add_members", ...given, userIds: [userId] };
    if (isGroup && dice < 9) return { type: "remove_member", ...given, userId };
    if (isGroup && dice < 10 && random.chance(0.5)) return { type: "leave_conversation", ...given };
    if (isGroup && dice < 11 && random.chance(0.3))
      return { type: "change_role", ...given, userId, role: random.pick(roles) };
    if (!isGroup && dice < 8)
      return blocksOf(
        id,
        users,
        users.filter(() => random.chance(0.1)),
      );
    if (dice < 11 && random.chance(0.4))
      return {
        type: "update_conversation",
        ...given,
        metadata: `{"${random.below(5)}":${this.#sent.size}}`,
        maxMetadataBytes: 1_000,
      };
    const content = random.chance(0.02) ? poison : `text ${this.#sent.size}`;
    const replyToId = random.chance(0.2) ? this.#anyMessage(id) : null;
    const messageType = random.chance(0.3) ? "media" : "text";
    const clientRandom = random.chance(0.2) ? null : random.below(keysInUse);
    const deviceTag = random.pick(devicesInUse);
    return aSend({ ...given, content, deviceTag, clientRandom, replyToId, messageType });
  }

  /** Of few, so that the same come again. */
  #aRelation(given: Pick<Command, "id" | "conversationId" | "senderId">, id: string): Command {
    const random = this.#random;
    const messageId = this.#anyMessage(id);
    const reaction = random.pick(["👍", "❤️"]);
    if (random.chance(0.4)) return { type: "add_reaction", ...given, messageId, reaction };
    if (random.chance(0.6)) return { type: "remove_reaction", ...given, messageId, reaction };
    const attachment = {
      id: newId(),
      mediaId: random.pick(["one", "two"]),
      mediaType: "image",
      metadata: "{}",
    } as const;
    return { type: "attach_media", ...given, messageId, attachment, withinUs: anHourUs };
  }

  #anEdit(given: Pick<Command, "id" | "conversationId" | "senderId">, id: string): Command {
    const metadata = this.#random.chance(0.3) ? `{"edit":${this.#sent.size}}` : null;
    const content = this.#random.chance(0.03) ? poison : `edit ${this.#sent.size}`;
    const messageId = this.#anyMessage(id);
    // Mostly the author's own: else few would be allowed.
    const author = this.#messagesOf(id).find((message) => message.id === messageId)?.senderId;
    const senderId = author && this.#random.chance(0.8) ? author : given.senderId;
    const command = {
      type: "edit_message",
      ...given,
      senderId,
      messageId,
      content,
      metadata,
      mentions: false,
      withinUs: anHourUs,
    } as const;
    if (content !== poison) this.#judgeOfLogs.edits(command);
    return command;
  }

  /** Mostly one of few, so that they meet. */
  #anyMessage(id: string): string {
    const messages = this.#messagesOf(id);
    if (messages.length === 0 || this.#random.chance(0.05)) return newId();
    return this.#random.pick(this.#random.chance(0.7) ? messages.slice(-4) : messages).id;
  }

  #mark({ id, users }: Talk): void {
    const random = this.#random;
    const userId = random.chance(0.1) ? stranger : random.pick(users);
    const kind: MarkKind = random.pick(["delivered", "read"]);
    const head = this.#messagesOf(id).length;
    const seq = random.below(head + 4);
    this.#marksUnderWay++;
    let answers = 0;
    this.#engine.marks.note({ type: "mark", conversationId: id, userId, kind, seq }, (refusal) => {
      this.#marksUnderWay--;
      this.#expect(++answers === 1, "a mark was answered twice");
      const mark = this.#model.logs.get(id)!.members.get(userId);
      const reached = kind === "read" ? mark?.readSeq : mark?.deliveredSeq;
      if (!refusal)
        this.#expect((reached ?? -1) >= Math.min(seq, head), "a mark tells of what is not stored");
      else
        this.#expect(
          !this.#judgeOfLogs.isSteadyMember(id, userId) ||
            (this.#hasLostShards && refusal.code === "unavailable"),
          `a member's mark is refused: ${refusal.code}`,
        );
    });
  }

  /** Another node takes some shards, and this one notices now or when it writes. They come back. */
  #loseShardsForAWhile(): void {
    const { ownership } = this.#store;
    this.#hasLostShards = true;
    const shards = this.#talks.map(({ id }) => shardOf(id)).filter(() => this.#random.chance(0.5));
    if (this.#random.chance(0.5)) ownership.lose(shards, otherNode);
    else ownership.steal(shards);
    this.#clock.after(this.#random.below(600), () => ownership.gain(shards));
  }

  #loseTheRightForAWhile(): void {
    this.#store.ownership.lose();
    this.#clock.after(this.#random.below(600), () => {
      if (this.#random.chance(0.3)) this.#rivalWrites(this.#random.pick(this.#talks).id);
      this.#store.ownership.gain();
    });
  }

  /** Another owner's message, or deletion of one, stored at a new epoch. */
  #rivalWrites(conversationId: string): void {
    const log = this.#model.logs.get(conversationId)!;
    const rev = log.rev + 1;
    this.#judgeOfLogs.rivalWrote(conversationId, rev);
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
    this.#engine.commands.submit(command, (outcome) => this.#judge(sent, outcome), null);
  }

  #join(conversationId: string, viewerId: string): void {
    const atLeast = this.#ackedSeq.get(conversationId) ?? 0;
    this.#joinsUnderWay++;
    void this.#engine.joins
      .conversation({ viewerId, conversationId, since: null })
      .then((joined) => {
        if (isRejection(joined))
          return this.#expect(
            !this.#judgeOfLogs.isSteadyMember(conversationId, viewerId) || joined.code === "unavailable",
            "a member may not join",
          );
        const seq = joined.facts.head!.seq;
        this.#expect(viewerId !== stranger, "a stranger joins");
        this.#expect(seq >= atLeast, "a join tells of less than what was acknowledged before it");
        this.#expect(seq <= this.#messagesOf(conversationId).length, "a join tells of what is not stored");
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
    if (outcome.type === "duplicate") return this.#judgeMessage(sent, outcome.message, kind);
    const { command } = sent;
    if (outcome.type === "unchanged") return this.#judgeUnchanged(command, outcome.message);
    const { conversationId: id } = command;
    if (outcome.events.length === 0) {
      const mayBeSo = command.type === "change_role" || command.type === "apply_blocks";
      return this.#expect(mayBeSo, "nothing was done");
    }
    this.#expect(this.#judgeOfLogs.isStored(id, outcome.events), "done tells of what is not stored");
    const overtook = (this.#lastRefused.get(id) ?? -1) > sent.place;
    this.#expect(!overtook, "a refusal left before what it was decided after was durable");
    if (command.type === "send_message") this.#judgeMessage(sent, outcome.events[0] as MessageSent, kind);
  }

  /** It was as it should be already. */
  #judgeUnchanged(command: Command, message: Message): void {
    const { seq } = message;
    const stored = this.#model.message(command.conversationId, seq);
    this.#expect(
      stored !== undefined && stored.rev >= message.rev,
      "what is unchanged tells of what is not stored",
    );
    this.#expect(
      isAskedFor(command, message) && targetIdOf(command) === message.id,
      "nothing was done, and it is not as it should be",
    );
  }

  #judgeMessage({ command }: Sent, message: Message, kind: string): void {
    const { conversationId: id } = command;
    this.#expect(this.#judgeOfLogs.wasStored(id, message), `${kind} tells of what is not stored`);
    this.#expect(message.senderId === command.senderId, `${kind} tells of another's message`);
    this.#expect(
      message.clientRandom === (sendKeyOf(command)?.clientRandom ?? null),
      `${kind} tells of another key`,
    );
    this.#expect((message.id === command.id) === (kind === "done"), `${kind} tells of another command`);
    this.#ackedSeq.set(id, Math.max(this.#ackedSeq.get(id) ?? 0, message.seq));
  }

  #judgeRefusal({ command }: Sent, code: RefusalCode, tookMs: number): void {
    if (code === "not_found") this.#judgeNotFound(command);
    // What a rule said no to. Strangers are refused by what is stored, whatever waits.
    if (code === "forbidden" || code === "conflict")
      this.#lastRefused.set(command.conversationId, this.#sent.get(command.id)!.place);
    if (code === "internal") this.#expect(isPoisoned(command), "a good command is refused as internal");
    if (code === "outcome_unknown") this.#expect(tookMs >= this.#deadlineMs, "unknown before the deadline");
    const mayRetry = code === "outcome_unknown" || code === "unavailable";
    if (command.type !== "send_message" || !mayRetry || this.#retriesLeft-- <= 0) return;
    this.#clock.after(this.#random.below(100), () => this.#submit({ ...command, id: newId() }));
  }

  /** To who was a member all the time, nothing that is there is not. */
  #judgeNotFound(command: Command): void {
    const { conversationId: id, senderId } = command;
    if (id === unknownConversation || !this.#judgeOfLogs.isSteadyMember(id, senderId)) return;
    const isOfWhatIsNot =
      "userId" in command ||
      command.type === "remove_reaction" ||
      ("messageId" in command && !this.#wasThere(command));
    const what = "messageId" in command ? "message" : "conversation";
    this.#expect(isOfWhatIsNot, `a member is told that a ${what} does not exist that does`);
  }

  /** The message that a command is about was stored before it was sent. */
  #wasThere({ conversationId, messageId }: { conversationId: string; messageId: string }): boolean {
    return this.#messagesOf(conversationId).some(({ id }) => id === messageId);
  }

  #hear(frame: Frame): void {
    if (frame.type === "changes") this.#judgeOfLogs.heard(frame);
    if (frame.type === "marks") this.#judgeMarks(frame);
  }

  /** I7: marks are stored, only grow, and never pass the head. */
  #judgeMarks({ conversationId: id, moved }: MarksFrame): void {
    for (const move of moved) {
      this.#judgeMark(id, move, "delivered", move.deliveredFrom, move.deliveredTo);
      this.#judgeMark(id, move, "read", move.readFrom, move.readTo);
    }
  }

  #judgeMark(id: string, { userId }: MarkMoved, kind: MarkKind, from: number, to: number): void {
    const key = `${id} ${userId} ${kind}`;
    this.#expect(from >= (this.#toldMarks.get(key) ?? 0) && to >= from, "a mark goes back");
    this.#expect(to <= this.#messagesOf(id).length, "a mark beyond the head");
    const stored = this.#model.logs.get(id)!.members.get(userId)!;
    const reached = kind === "read" ? stored.readSeq : stored.deliveredSeq;
    this.#expect(reached >= to, "a frame tells of a mark that is not stored");
    this.#toldMarks.set(key, to);
  }

  #judgeOnce({ answers, command }: Sent): void {
    this.#expect(answers === 1, `a command was answered ${answers} times`);
    const isGood = command.senderId !== stranger && !isPoisoned(command);
    if (!isGood)
      this.#expect(!this.#model.has(command.conversationId, command.id), "what was refused is stored");
  }

  #messagesOf(id: string): readonly Message[] {
    return this.#model.logs.get(id)?.messages ?? [];
  }

  #isQuiet(): boolean {
    return (
      this.#joinsUnderWay === 0 &&
      this.#marksUnderWay === 0 &&
      [...this.#sent.values()].every((sent) => sent.answers > 0) &&
      this.#notes.gauges.get("lane_queue_rows")!() === 0
    );
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise);
  }
}

function isPoisoned(command: Command): boolean {
  return "content" in command && command.content === poison;
}

function someFaults(random: Random): Faults {
  const some = () => random.pick([0, 0, 0.05, 0.3]);
  return { again: some(), lost: some(), hangs: some(), slow: some(), rival: some(), reads: some() };
}

const unusedReads = {
  listConversations: unused,
  showConversation: unused,
  listMembers: unused,
  showMessage: unused,
  showDeliveryStatus: unused,
  readHistory: unused,
  changes: unused,
  createDirect: unused,
  createGroup: unused,
  register: unused,
  save: unused,
  markUnread: unused,
  clearUnread: unused,
  allowReadding: unused,
};

function isAskedFor(command: Command, message: Message): boolean {
  switch (command.type) {
    case "delete_message":
      return message.deletedAtUs !== null;
    case "add_reaction":
      return reactionOf(message, command.senderId, command.reaction) !== null;
    case "attach_media":
      return message.attachments!.some(({ mediaId }) => mediaId === command.attachment.mediaId);
    default:
      return false;
  }
}

function unused(): never {
  throw new Error("not part of this play");
}
