/**
 * One topic of one socket, from the first join to its end.
 * Invariant: `pending` is set exactly while a join is in flight, and then nothing of the topic is delivered.
 */
import type { Channel, Joining, JoinOutcome, Json, Push } from "./channel.ts";
import { encodeClose, encodePush, encodeReply, type Frame } from "./codec.ts";
import { internal, overloaded, unmatchedTopic } from "./refusals.ts";
import type { Session } from "./session.ts";
import type { Listener } from "./topics.ts";

interface Asked {
  readonly joinRef: string | null;
  readonly ref: string | null;
}

interface Held {
  readonly frame: string;
  readonly position: number | undefined;
}

type Accepted = Extract<JoinOutcome, { ok: true }>;

/** A join in flight and all that waits for it. */
class PendingJoin<Identity> {
  readonly asked: Asked[] = [];
  readonly pushes: Frame[] = [];
  held: Held[] = [];
  heldBytes = 0;
  /** The only one whose outcome counts. */
  attempt: Attempt<Identity> | undefined;
}

/** One call of `Channel.join`; its outcome counts only while it is the membership's latest. */
class Attempt<Identity> implements Joining<Identity> {
  constructor(
    readonly membership: Membership<Identity>,
    readonly payload: unknown,
  ) {}
  get topic(): string {
    return this.membership.topic;
  }
  get identity(): Identity {
    return this.membership.session.identity;
  }
  push(event: string, payload: Json): void {
    this.membership.pushFrom(this, event, payload);
  }
}

/** A class with fields, not a closure per push: one is made for every frame that a channel receives. */
class ReceivedPush<Identity> implements Push<Identity> {
  #answered = false;
  constructor(
    readonly membership: Membership<Identity>,
    readonly frame: Frame,
  ) {}
  get topic(): string {
    return this.membership.topic;
  }
  get event(): string {
    return this.frame.event;
  }
  get payload(): unknown {
    return this.frame.payload;
  }
  get identity(): Identity {
    return this.membership.session.identity;
  }
  reply(ok: boolean, response: Json): void {
    if (this.#answered) return;
    this.#answered = true;
    this.membership.replyTo(this.frame, ok, response);
  }
}

export class Membership<Identity> implements Listener {
  #pending: PendingJoin<Identity> | undefined;
  #accepted: Attempt<Identity> | undefined;
  #joinRef: string | null = null;
  #ended = false;

  constructor(
    readonly session: Session<Identity>,
    readonly topic: string,
    readonly channel: Channel<Identity>,
  ) {}

  /** A join without a join_ref (v1 habits) answers to any. */
  answersTo(joinRef: string | null): boolean {
    return this.#joinRef === joinRef || this.#joinRef === null;
  }

  /** The first join, a re-join, or a join repeated while one is in flight: all end in one joined topic with the newest join_ref. */
  join(frame: Frame): void {
    const shared = this.#isAsking(frame.payload);
    if (this.#asksTooMuch() || !(shared || this.session.mayStartJoin())) {
      return this.session.refuse(frame, overloaded);
    }
    this.#joinRef = frame.joinRef;
    this.#hold().asked.push({ joinRef: frame.joinRef, ref: frame.ref });
    if (!shared) this.#ask(frame.payload);
  }

  /** The same question is already with the channel: its answer is good for both. */
  #isAsking(payload: unknown): boolean {
    const attempt = this.#pending?.attempt;
    return attempt !== undefined && samePayload(attempt.payload, payload);
  }

  #asksTooMuch(): boolean {
    return (this.#pending?.asked.length ?? 0) >= this.session.settings.maxHeldPushes;
  }

  /** From here on the topic's broadcasts are held for this socket. */
  #hold(): PendingJoin<Identity> {
    if (this.#pending !== undefined) return this.#pending;
    if (this.#accepted !== undefined) this.session.wire.unsubscribe(this.topic);
    this.#pending = new PendingJoin();
    this.session.topics.joining(this);
    return this.#pending;
  }

  #ask(payload: unknown): void {
    const attempt = new Attempt(this, payload);
    if (this.#pending !== undefined) this.#pending.attempt = attempt;
    this.session.joinStarted();
    const outcome = this.#callJoin(attempt);
    if (outcome instanceof Promise) this.#await(attempt, outcome);
    else this.#settle(attempt, outcome);
  }

  #callJoin(attempt: Attempt<Identity>): JoinOutcome | Promise<JoinOutcome> {
    try {
      return this.channel.join(attempt);
    } catch (error) {
      return this.#joinFailed(error);
    }
  }

  #await(attempt: Attempt<Identity>, outcome: Promise<JoinOutcome>): void {
    outcome
      .catch((error: unknown) => this.#joinFailed(error))
      .then((settled) => this.#settle(attempt, settled))
      .catch((error: unknown) => this.session.failed("socket", this.topic, error));
  }

  #joinFailed(error: unknown): JoinOutcome {
    this.session.failed("join", this.topic, error);
    return { ok: false, response: internal };
  }

  #settle(attempt: Attempt<Identity>, outcome: JoinOutcome): void {
    this.session.joinSettled();
    const pending = this.#pending;
    if (pending === undefined || pending.attempt !== attempt) return;
    if (outcome.ok) this.#accept(pending, attempt, outcome);
    else this.#refuse(pending, outcome.response);
  }

  /** Order on the wire: the ok replies, what was held, what `accepted` pushes, then live broadcasts. */
  #accept(pending: PendingJoin<Identity>, attempt: Attempt<Identity>, outcome: Accepted): void {
    const { wire, topics } = this.session;
    this.#pending = undefined;
    this.#accepted = attempt;
    for (const { joinRef, ref } of pending.asked) {
      wire.push(encodeReply(joinRef, ref, this.topic, true, outcome.response));
    }
    const covered = outcome.position ?? Number.NEGATIVE_INFINITY;
    for (const { frame, position } of pending.held) {
      if (position === undefined || position > covered) wire.push(frame);
    }
    wire.subscribe(this.topic);
    topics.joined(this);
    this.#callAccepted(outcome.accepted);
    for (const frame of pending.pushes) this.session.receive(frame);
  }

  #callAccepted(accepted: (() => void) | undefined): void {
    try {
      accepted?.();
    } catch (error) {
      this.session.failed("accepted", this.topic, error);
    }
  }

  #refuse(pending: PendingJoin<Identity>, response: Json): void {
    this.end();
    for (const { joinRef, ref } of pending.asked) {
      this.session.wire.send(encodeReply(joinRef, ref, this.topic, false, response));
    }
    for (const frame of pending.pushes) this.session.refuse(frame, unmatchedTopic);
  }

  /** A push of the client with this membership's join_ref. Pushes pipelined behind a join wait for it, as in Phoenix. */
  receive(frame: Frame): void {
    const pending = this.#pending;
    if (pending === undefined) return this.#deliver(new ReceivedPush(this, frame));
    if (pending.pushes.length >= this.session.settings.maxHeldPushes) {
      return this.session.refuse(frame, overloaded);
    }
    pending.pushes.push(frame);
  }

  #deliver(push: ReceivedPush<Identity>): void {
    try {
      const returned: unknown = this.channel.receive(push);
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#receiveFailed(push, error));
    } catch (error) {
      this.#receiveFailed(push, error);
    }
  }

  #receiveFailed(push: ReceivedPush<Identity>, error: unknown): void {
    this.session.failed("receive", this.topic, error);
    push.reply(false, internal);
  }

  replyTo(frame: Frame, ok: boolean, response: Json): void {
    if (this.#ended || frame.ref === null || !this.answersTo(frame.joinRef)) return;
    this.session.wire.send(encodeReply(frame.joinRef, frame.ref, this.topic, ok, response));
  }

  pushFrom(attempt: Attempt<Identity>, event: string, payload: Json): void {
    if (this.#ended) return;
    if (attempt === this.#pending?.attempt)
      throw new Error(`push of "${event}" before the join was accepted`);
    if (attempt !== this.#accepted || this.#pending !== undefined) return;
    this.session.wire.push(encodePush(this.#joinRef, this.topic, event, payload));
  }

  hold(frame: string, position: number | undefined): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { maxHeldBroadcasts, sendBufferBytes } = this.session.settings;
    pending.heldBytes += frame.length;
    if (pending.held.length >= maxHeldBroadcasts || pending.heldBytes > sendBufferBytes) {
      return this.session.overrun();
    }
    pending.held.push({ frame, position });
  }

  /**
   * The server takes the topic away. A join in flight is asked again instead: what it has read may be older than the
   * reason for this, and so may what was held for it.
   */
  evict(): void {
    const pending = this.#pending;
    if (pending?.attempt === undefined) return this.close();
    pending.held = [];
    pending.heldBytes = 0;
    this.#ask(pending.attempt.payload);
  }

  /** Ends the topic and says so. */
  close(): void {
    this.end();
    this.session.wire.send(encodeClose(this.#joinRef, this.topic));
  }

  /** Ends the topic silently; whatever is still under way for it is dropped when it arrives. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#accepted !== undefined && this.#pending === undefined)
      this.session.wire.unsubscribe(this.topic);
    this.#pending = undefined;
    this.session.forget(this);
    if (this.#accepted !== undefined) this.#callLeft();
  }

  #callLeft(): void {
    try {
      this.channel.left?.(this.topic, this.session.identity);
    } catch (error) {
      this.session.failed("left", this.topic, error);
    }
  }
}

/** Only asked when a join is repeated while one is in flight. */
function samePayload(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
