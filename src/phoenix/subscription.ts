/**
 * One topic of one socket, from the first join to its end.
 * Joining, then perhaps backfilling, then live; a re-join begins anew.
 * Invariants: `pending` is set exactly while a join is in flight, `feed` exactly while a backfill is; `hold` is set
 * exactly while either is, and then the socket is not subscribed and nothing of the topic is delivered. `receiver` is never
 * set while a join is in flight: from its begin on nothing counts as received until the new subscription sent it.
 */
import type { Budget } from "./budget.ts";
import type {
  Channel,
  ClientEvent,
  Feed,
  Joining,
  JoinOutcome,
  Json,
  Position,
  Receiver,
} from "./channel.ts";
import { encodeClose, encodePush, encodeReply, type Frame, type Ref, respell } from "./codec.ts";
import { Hold } from "./hold.ts";
import type { FailedIn } from "./observer.ts";
import { PendingJoin } from "./pending-join.ts";
import { internal, overloaded } from "./refusals.ts";
import type { ReplyQueue, WaitingReply } from "./reply-queue.ts";
import type { PhoenixSettings } from "./settings.ts";
import { SubscriptionFeed } from "./subscription-feed.ts";
import type { Listener, Topics } from "./topics.ts";
import type { Wire } from "./wire.ts";

/** What a subscription needs of its socket's session. */
export interface SubscriptionHost<Identity> {
  readonly identity: Identity;
  readonly wire: Wire;
  readonly settings: PhoenixSettings;
  readonly topics: Topics<Subscription<Identity>>;
  readonly budget: Budget;
  /** No reply waits, and there is room for one. */
  readonly answersAtOnce: boolean;
  readonly replies: ReplyQueue;
  /** A frame of the client that waited for a join. */
  receive(frame: Frame): void;
  /** An error reply, where the frame can be replied to. */
  refuse(frame: Frame, response: Json): void;
  /** An error reply to a frame of no subscription. */
  unmatched(frame: Frame): void;
  /** The subscription ended. */
  forget(subscription: Subscription<Identity>): void;
  /** More was broadcast than could be held, and nothing will read it again. */
  overrun(): void;
  /** It cannot be served; the client is to come back. */
  giveUp(reason: string): void;
  failed(where: FailedIn, topic: string, error: unknown): void;
}

/** A frame whose answer may be large. While its socket is crowded it is refused: else a slow reader could not send without being closed. */
const largeFrame = 1_024;

type Accepted = Extract<JoinOutcome, { ok: true }>;
type Backfill = NonNullable<Accepted["backfill"]>;

/** One call of `Channel.join`; its outcome counts only while it is the subscription's latest. */
class Attempt<Identity> implements Joining<Identity> {
  /** Gone once settled: a joined topic does not keep what it was joined with. */
  payload: unknown;
  constructor(
    readonly subscription: Subscription<Identity>,
    /** The join frame's. */
    readonly size: number,
    payload: unknown,
    /** Called once its outcome is there: the queue of replies waits for it. */
    readonly asked?: () => void,
  ) {
    this.payload = payload;
  }
  get topic(): string {
    return this.subscription.topic;
  }
  get identity(): Identity {
    return this.subscription.session.identity;
  }
  get hasRoom(): boolean {
    return this.subscription.session.wire.hasRoom;
  }
  push(event: string, payload: Json): void {
    this.subscription.pushFrom(this, event, payload);
  }
  prove(): void {
    this.subscription.proveFrom(this);
  }
}

/** An outcome on its way through the queue of replies. */
class Settled<Identity> implements WaitingReply {
  readonly size: number;
  readonly #attempt: Attempt<Identity>;
  #outcome: JoinOutcome | undefined;
  /** Nothing that was broadcast during the join itself was dropped. */
  readonly #isWhole: boolean;
  constructor(attempt: Attempt<Identity>, outcome: JoinOutcome, isWhole: boolean) {
    this.size = outcome.response.length;
    this.#attempt = attempt;
    this.#outcome = outcome;
    this.#isWhole = isWhole;
  }
  drop(): void {
    this.#outcome = undefined;
  }
  send(): void {
    if (this.#outcome) this.#attempt.subscription.conclude(this.#attempt, this.#outcome, this.#isWhole);
  }
  ask(asked: () => void): void {
    this.#attempt.subscription.askAgain(this.#attempt, asked);
  }
}

/** A class with fields, not a closure per push: one is made for every frame that a channel receives. */
class ReceivedEvent<Identity> implements ClientEvent<Identity> {
  #answered = false;
  /** The join_ref of its subscription: it is answered only while that lasts. */
  readonly #joinRef: Ref;
  constructor(
    readonly subscription: Subscription<Identity>,
    readonly frame: Frame,
  ) {
    this.#joinRef = subscription.joinRef;
  }
  get topic(): string {
    return this.subscription.topic;
  }
  get event(): string {
    return this.frame.event;
  }
  get payload(): unknown {
    return this.frame.payload;
  }
  get identity(): Identity {
    return this.subscription.session.identity;
  }
  reply(ok: boolean, response: Json): void {
    if (this.#answered) return;
    this.#answered = true;
    this.subscription.replyTo(this.frame, this.#joinRef, ok, response);
  }
}

export class Subscription<Identity> implements Listener {
  #pending: PendingJoin | undefined;
  /** The only attempt whose outcome counts; set with `pending`. */
  #attempt: Attempt<Identity> | undefined;
  #accepted: Attempt<Identity> | undefined;
  /** The receiver of the subscription that is live or backfilling. */
  #receiver: Receiver | undefined;
  #hold: Hold | undefined;
  #feed: SubscriptionFeed | undefined;
  #joinRef: Ref = null;
  #ended = false;

  /** The topic in its canonical spelling. */
  readonly topic: string;
  /** The topic in the client's spelling: it drops frames that spell it otherwise. */
  readonly spelling: string;
  readonly channel: Channel<Identity>;

  constructor(
    readonly session: SubscriptionHost<Identity>,
    of: { readonly topic: string; readonly spelling: string; readonly channel: Channel<Identity> },
  ) {
    this.topic = of.topic;
    this.spelling = of.spelling;
    this.channel = of.channel;
  }

  get isRespelled(): boolean {
    return this.spelling !== this.topic;
  }

  get joinRef(): Ref {
    return this.#joinRef;
  }

  /** A frame without a join_ref belongs to the current subscription, as in Phoenix. A join without one answers to any (v1 habits). */
  answersTo(joinRef: Ref): boolean {
    return this.#joinRef === joinRef || joinRef === null || this.#joinRef === null;
  }

  /** The first join, a re-join, or a join repeated while one is in flight: all end in one joined topic with the newest join_ref. */
  join(frame: Frame): void {
    const shared = this.#isAsking(frame.payload);
    if (!this.#allows(frame, shared)) return this.session.refuse(frame, overloaded);
    this.#joinRef = frame.joinRef;
    const pending = this.#beginHolding();
    pending.keep(frame, pending.asked);
    if (!shared) this.#ask(new Attempt(this, frame.size, frame.payload));
  }

  /** The same question is already with the channel: its answer is good for both. */
  #isAsking(payload: unknown): boolean {
    return this.#attempt !== undefined && samePayload(this.#attempt.payload, payload);
  }

  #allows(frame: Frame, shared: boolean): boolean {
    if (this.#pending?.allows(frame) === false) return false;
    return shared || this.session.budget.allowsJoin(frame.size);
  }

  /** From here on the topic's broadcasts are held for this socket; what a backfill had left to do is void. */
  #beginHolding(): PendingJoin {
    if (this.#pending !== undefined) return this.#pending;
    const { topics, budget, settings } = this.session;
    if (this.#isLive()) this.#unsubscribe();
    this.#stopHolding();
    this.#endReceiver();
    this.#hold = new Hold(budget, settings);
    this.#pending = new PendingJoin(budget, settings);
    topics.holding(this);
    return this.#pending;
  }

  #isLive(): boolean {
    return this.#accepted !== undefined && this.#hold === undefined;
  }

  #subscribe(): void {
    if (!this.isRespelled) this.session.wire.subscribe(this.topic);
  }

  #unsubscribe(): void {
    if (!this.isRespelled) this.session.wire.unsubscribe(this.topic);
  }

  #stopHolding(): void {
    this.#stopPending();
    this.#feed?.end();
    this.#feed = undefined;
    this.#hold?.release();
    this.#hold = undefined;
  }

  /** Voids what was sent and is not proved: the client may have dropped it when it left or joined again. */
  #endReceiver(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    this.#receiver = undefined;
    this.session.wire.unprove(receiver);
    this.#call("ended", () => receiver.ended());
  }

  #call(where: FailedIn, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.session.failed(where, this.topic, error);
    }
  }

  #stopPending(): void {
    this.#pending?.end();
    this.#pending = undefined;
    this.#attempt = undefined;
  }

  #ask(attempt: Attempt<Identity>): void {
    this.#attempt = attempt;
    this.session.budget.joinStarted(attempt.size);
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

  /** The reply waits for room on the socket. */
  #settle(attempt: Attempt<Identity>, outcome: JoinOutcome): void {
    if (this.#attempt !== attempt) this.session.budget.joinSettled(attempt.size);
    else if (this.session.answersAtOnce) this.conclude(attempt, outcome, false);
    else this.#queue(attempt, outcome);
    attempt.asked?.();
  }

  #queue(attempt: Attempt<Identity>, outcome: JoinOutcome): void {
    const isWhole = this.#hold?.isComplete === true;
    this.session.replies.add(new Settled(attempt, outcome, isWhole), attempt.asked !== undefined);
  }

  /** There is room for the reply. */
  conclude(attempt: Attempt<Identity>, outcome: JoinOutcome, isWhole: boolean): void {
    const pending = this.#pending;
    const hold = this.#hold;
    const isLive = outcome.ok && outcome.backfill === undefined;
    if (isLive && isWhole && hold?.isComplete === false) return this.askAgain(attempt);
    this.session.budget.joinSettled(attempt.size);
    if (pending === undefined || hold === undefined || this.#attempt !== attempt) return;
    if (outcome.ok) this.#accept(pending, hold, attempt, outcome);
    else this.#refuse(pending, outcome.response);
    attempt.payload = undefined;
  }

  /** While its outcome waited, that was dropped or more was broadcast than is held. */
  askAgain(attempt: Attempt<Identity>, asked?: () => void): void {
    this.session.budget.joinSettled(attempt.size);
    if (this.#attempt !== attempt) return asked?.();
    this.#hold?.restart();
    this.#ask(new Attempt(this, attempt.size, attempt.payload, asked));
  }

  /** Order on the wire: the ok replies, what was held, what `accepted` pushes, then live broadcasts. With a backfill: as there. */
  #accept(pending: PendingJoin, hold: Hold, attempt: Attempt<Identity>, outcome: Accepted): void {
    const { backfill } = outcome;
    if (backfill === undefined && !hold.isComplete) return this.session.overrun();
    this.#stopPending();
    this.#accepted = attempt;
    this.#receiver = outcome.receiver;
    for (const { joinRef, ref } of pending.asked) {
      this.session.wire.push(encodeReply(joinRef, ref, this.spelling, true, outcome.response));
    }
    if (backfill === undefined) this.#release(hold, outcome);
    else this.#beginFeed(hold);
    if (outcome.accepted !== undefined) this.#call("accepted", outcome.accepted);
    if (backfill !== undefined) this.#fill(backfill, outcome);
    for (const frame of pending.pushes) this.session.receive(frame);
  }

  /** Sends what was held and is not covered, then the socket hears the topic. */
  #release(hold: Hold, outcome: Accepted): void {
    const { wire, topics } = this.session;
    this.#hold = undefined;
    for (const { frame, position } of hold.release()) {
      if (this.#isCovered(outcome, position)) continue;
      wire.push(frame);
      this.#noteSent(position);
    }
    this.#subscribe();
    topics.live(this);
  }

  /** A broadcast of the topic went out to all who hear it: to this socket too, unless it is held for it. */
  broadcasted(position: Position): void {
    if (this.#hold === undefined) this.#noteSent(position);
  }

  #noteSent(position: Position | undefined): void {
    if (this.#receiver === undefined || position === undefined) return;
    try {
      this.#receiver.sent(position);
    } catch (error) {
      this.session.failed("sent", this.topic, error);
    }
  }

  /** A bug in there delivers twice rather than not at all. */
  #isCovered(outcome: Accepted, position: Position | undefined): boolean {
    if (outcome.covers === undefined || position === undefined) return false;
    try {
      return outcome.covers(position);
    } catch (error) {
      this.session.failed("covers", this.topic, error);
      return false;
    }
  }

  #beginFeed(hold: Hold): void {
    const { wire } = this.session;
    this.#feed = new SubscriptionFeed({ wire, hold, topic: this.spelling, joinRef: this.#joinRef });
  }

  /** Nothing to do when `accepted` has ended the topic. */
  #fill(backfill: Backfill, outcome: Accepted): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    this.session.budget.backfillStarted();
    this.#run(feed, backfill)
      .then((filled) => this.#filled(feed, outcome, filled))
      .catch((error: unknown) => this.session.failed("socket", this.topic, error));
  }

  /** False: it failed. Never rejects. */
  async #run(feed: Feed, backfill: Backfill): Promise<boolean> {
    try {
      await backfill(feed);
      return true;
    } catch (error) {
      this.session.failed("backfill", this.topic, error);
      return false;
    }
  }

  #filled(feed: SubscriptionFeed, outcome: Accepted, filled: boolean): void {
    this.session.budget.backfillEnded();
    const hold = this.#hold;
    if (feed.isOver || hold === undefined) return;
    if (!filled) return this.session.giveUp("internal");
    if (!hold.isComplete) return this.session.overrun();
    this.#feed = undefined;
    feed.end();
    this.#release(hold, outcome);
  }

  #refuse(pending: PendingJoin, response: Json): void {
    this.end();
    for (const { joinRef, ref } of pending.asked) {
      this.session.wire.send(encodeReply(joinRef, ref, this.spelling, false, response));
    }
    for (const frame of pending.pushes) this.session.unmatched(frame);
  }

  /** A push of the client with this subscription's join_ref. Pushes pipelined behind a join wait for it, as in Phoenix. */
  receive(frame: Frame): void {
    if (frame.size > largeFrame && this.session.wire.isCrowded) return this.session.refuse(frame, overloaded);
    const pending = this.#pending;
    if (pending === undefined) this.#deliver(new ReceivedEvent(this, frame));
    else if (pending.allows(frame)) pending.keep(frame, pending.pushes);
    else this.session.refuse(frame, overloaded);
  }

  #deliver(push: ReceivedEvent<Identity>): void {
    try {
      const returned: unknown = this.channel.receive(push);
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#receiveFailed(push, error));
    } catch (error) {
      this.#receiveFailed(push, error);
    }
  }

  #receiveFailed(push: ReceivedEvent<Identity>, error: unknown): void {
    this.session.failed("receive", this.topic, error);
    push.reply(false, internal);
  }

  replyTo({ ref, topic }: Frame, joinRef: Ref, ok: boolean, response: Json): void {
    if (this.#ended || ref === null || this.#joinRef !== joinRef) return;
    this.session.wire.send(encodeReply(joinRef, ref, topic, ok, response));
  }

  pushFrom(attempt: Attempt<Identity>, event: string, payload: Json): void {
    if (this.#ended) return;
    if (attempt === this.#attempt) throw new Error(`push of "${event}" before the join was accepted`);
    if (attempt !== this.#accepted || this.#pending !== undefined) return;
    this.session.wire.push(encodePush(this.#joinRef, this.spelling, event, payload));
  }

  /** A broadcast for this socket alone. */
  tell(frame: string, position: Position | undefined): void {
    if (this.#hold !== undefined) return this.hold(frame, position);
    this.heard(frame);
    this.#noteSent(position);
  }

  /** Sends a broadcast that was published to the whole topic, unless it is held for this socket. */
  heard(frame: string): void {
    if (this.#hold === undefined) this.session.wire.push(this.#spelled(frame));
  }

  #spelled(frame: string): string {
    return this.isRespelled ? respell(frame, this.topic, this.spelling) : frame;
  }

  /**
   * To all others that hear the topic. False: it was dropped for one of them, or there are none. Null, and nothing: a socket that is not
   * subscribed, because its join is in flight or its spelling is another one, publishes nothing.
   */
  publish(frame: string): boolean | null {
    if (!this.#isLive() || this.isRespelled) return null;
    return this.session.wire.publish(this.topic, frame);
  }

  proveFrom(attempt: Attempt<Identity>): void {
    if (this.#ended) return;
    if (attempt === this.#attempt) throw new Error("a proof was asked for before the join was accepted");
    if (attempt === this.#accepted && this.#receiver !== undefined) this.session.wire.prove(this.#receiver);
  }

  hold(frame: string, position: Position | undefined): void {
    this.#hold?.keep(this.#spelled(frame), position);
  }

  /**
   * The server takes the topic away, from a backfill too. A join in flight is asked again instead: what it has read may be older than the
   * reason for this, and so may what was held for it.
   */
  evict(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return this.close();
    this.#hold?.restart();
    this.#ask(new Attempt(this, attempt.size, attempt.payload));
  }

  /** Ends the topic and says so. */
  close(): void {
    this.end();
    this.session.wire.send(encodeClose(this.#joinRef, this.spelling));
  }

  /** Ends the topic silently; what is still under way for it is dropped when it arrives. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#isLive()) this.#unsubscribe();
    this.#stopHolding();
    this.#endReceiver();
    this.session.forget(this);
    if (this.#accepted === undefined) return;
    this.#call("left", () => this.channel.left?.(this.topic, this.session.identity));
  }
}

/** Only asked when a join is repeated while one is in flight. Nested too deeply to be written: another payload. */
function samePayload(one: unknown, other: unknown): boolean {
  try {
    return JSON.stringify(one) === JSON.stringify(other);
  } catch {
    return false;
  }
}
