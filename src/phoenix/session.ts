/**
 * The protocol state of one socket: which topics it is in, and what each frame means there. Knows no WebSocket:
 * everything it does to the world goes through `Wire` and `Topics`, which is how the property test drives it.
 * Read with Phoenix `lib/phoenix/socket.ex` (`handle_in`).
 */
import { Budget } from "./budget.ts";
import type { Gate, Json, Routes } from "./channel.ts";
import { encodeClose, encodeReply, type Frame, type Malformed } from "./codec.ts";
import type { Unread } from "./frame-reader.ts";
import type { FloodReason, Intake } from "./intake.ts";
import type { FailedIn, SocketsObserver } from "./observer.ts";
import { internal, malformedFrame, overloaded, tooManyTopics, unmatchedTopic } from "./refusals.ts";
import { ReplyQueue } from "./reply-queue.ts";
import type { PhoenixSettings } from "./settings.ts";
import { Subscription, type SubscriptionHost } from "./subscription.ts";
import type { TopicQuota } from "./topic-quota.ts";
import type { Topics } from "./topics.ts";
import type { Wire } from "./wire.ts";

export class Session<Identity> implements SubscriptionHost<Identity> {
  readonly identity: Identity;
  readonly wire: Wire;
  readonly settings: PhoenixSettings;
  readonly topics: Topics<Subscription<Identity>>;
  readonly #routes: Routes<Identity>;
  readonly #canonical: (topic: string) => string;
  readonly #gate: Gate<Identity> | undefined;
  readonly #intake: Intake<Identity>;
  readonly #observer: SocketsObserver<Identity>;
  readonly #quota: TopicQuota;
  readonly #owner: unknown;
  /** By the canonical spelling of their topics. */
  readonly #subscriptions = new Map<string, Subscription<Identity>>();
  readonly budget: Budget;
  /** Made when a reply has to wait for the first time: most sockets never need it. */
  #replies: ReplyQueue | undefined;

  constructor(options: {
    readonly identity: Identity;
    readonly wire: Wire;
    readonly settings: PhoenixSettings;
    readonly topics: Topics<Subscription<Identity>>;
    readonly routes: Routes<Identity>;
    readonly canonical?: ((topic: string) => string) | undefined;
    readonly gate?: Gate<Identity> | undefined;
    readonly intake: Intake<Identity>;
    readonly observer: SocketsObserver<Identity>;
    readonly quota: TopicQuota;
    /** The topics of one owner are counted together. */
    readonly owner: unknown;
  }) {
    this.identity = options.identity;
    this.wire = options.wire;
    this.settings = options.settings;
    this.topics = options.topics;
    this.#routes = options.routes;
    this.#canonical = options.canonical ?? ((topic) => topic);
    this.#gate = options.gate;
    this.#intake = options.intake;
    this.#observer = options.observer;
    this.#quota = options.quota;
    this.#owner = options.owner;
    this.budget = new Budget(options.settings);
  }

  /** The characters of replies that wait for room. */
  get waitingBytes(): number {
    return this.#replies?.waitingBytes ?? 0;
  }

  get answersAtOnce(): boolean {
    return (this.#replies === undefined || this.#replies.isEmpty) && this.wire.hasRoom;
  }

  get replies(): ReplyQueue {
    this.#replies ??= new ReplyQueue({ wire: this.wire, maxBytes: this.settings.sendBufferBytes });
    return this.#replies;
  }

  /** Counts a frame of this size before it is read. False: there were too many, and the socket was closed. */
  takes(size: number): boolean {
    return this.#holds(this.#intake.frame(size));
  }

  /** Counts the values of a frame before it is parsed. False: there were too many, and the socket was closed. */
  takesValues(count: number): boolean {
    return this.#holds(this.#intake.values(count));
  }

  #holds(reason: FloodReason | null): boolean {
    if (reason !== null) this.#flooded(reason);
    return reason === null;
  }

  /**
   * False: the gate refused the frame, and its sender was told. Needs no payload. Ask before `receive`, and look again whether there is a
   * session still: a gate may close the socket. Frames that wait for a join are not asked about again.
   */
  admits(frame: Frame): boolean {
    if (isHeartbeat(frame)) return this.#takesUseless(frame.size);
    const refused = this.#gated(frame);
    if (refused === undefined) return true;
    this.refuse(frame, refused);
    return false;
  }

  /** A ping of the peer, or a pong that nobody asked for. */
  control(size: number): void {
    this.#takesUseless(size);
  }

  /** False: there were too many, and the socket was closed. */
  #takesUseless(size: number): boolean {
    return this.#holds(this.#intake.useless(size));
  }

  #flooded(reason: FloodReason): void {
    this.#observer.flooded(reason, this.identity);
    this.giveUp(closeReasons[reason]);
  }

  #gated(frame: Frame): Json | undefined {
    try {
      return this.#gate?.(this.identity, frame);
    } catch (error) {
      this.failed("gate", frame.topic, error);
      return internal;
    }
  }

  receive(frame: Frame): void {
    if (frame.topic === "phoenix") return this.#phoenix(frame);
    const subscription = this.#subscriptionOf(frame.topic);
    if (frame.event === "phx_join") return this.#join(frame, subscription);
    if (frame.event === "phx_leave") return this.#leave(frame, subscription);
    if (subscription?.answersTo(frame.joinRef)) return subscription.receive(frame);
    this.unmatched(frame);
  }

  /** Nearly always it is spelled as it is kept. */
  #subscriptionOf(spelling: string): Subscription<Identity> | undefined {
    return this.#subscriptions.get(spelling) ?? this.#subscriptions.get(this.#canonical(spelling));
  }

  /** Always answered: a client of another protocol would wait for ever. */
  malformed(frame: Malformed, size: number): void {
    if (this.#takesUseless(size)) this.#answer(frame, malformedFrame);
  }

  /** Always answered, so that a stock client does not send it again. */
  unread({ address, response, countedSize }: Unread): void {
    if (this.#takesUseless(countedSize)) this.#answer(address, response);
  }

  #answer({ joinRef, ref, topic }: Malformed, response: Json): void {
    this.wire.send(encodeReply(joinRef, ref, topic, false, response));
  }

  refuse(frame: Frame, response: Json): void {
    if (expectsReply(frame)) this.#answer(frame, response);
  }

  /** Without a join_ref, as in Phoenix (`encode_ignore`): a client that joined again since would drop the reply for its old one. */
  unmatched(frame: Frame): void {
    if (expectsReply(frame)) this.wire.send(encodeReply(null, frame.ref, frame.topic, false, unmatchedTopic));
  }

  #phoenix(frame: Frame): void {
    if (isHeartbeat(frame)) this.wire.send(encodeReply(null, frame.ref, "phoenix", true, "{}"));
    else this.unmatched(frame);
  }

  #join(frame: Frame, existing: Subscription<Identity> | undefined): void {
    if (existing?.spelling === frame.topic) return existing.join(frame);
    // The client has two channels for one topic. As with two of the same spelling, the newer one stays.
    existing?.close();
    if (!this.#hasRoomForTopic) return this.refuse(frame, tooManyTopics);
    if (!this.budget.allowsJoin(frame.size)) return this.refuse(frame, overloaded);
    const subscription = this.#route(frame);
    if (subscription === undefined) return;
    this.#subscriptions.set(subscription.topic, subscription);
    this.#quota.joined(this.#owner);
    subscription.join(frame);
  }

  get #hasRoomForTopic(): boolean {
    return this.#subscriptions.size < this.settings.maxTopicsPerSocket && this.#quota.hasRoom(this.#owner);
  }

  #route(frame: Frame): Subscription<Identity> | undefined {
    try {
      const topic = this.#canonical(frame.topic);
      const channel = this.#routes(topic);
      if (channel !== undefined) return new Subscription(this, { topic, spelling: frame.topic, channel });
      this.unmatched(frame);
    } catch (error) {
      this.failed("join", frame.topic, error);
      this.refuse(frame, internal);
    }
    return undefined;
  }

  /**
   * A leave of what is not joined is already done: ok, without effect. One with the join_ref of an earlier join is ignored, as in Phoenix:
   * the topic is still joined, and ok means left.
   */
  #leave(frame: Frame, subscription: Subscription<Identity> | undefined): void {
    if (subscription?.answersTo(frame.joinRef)) return this.#end(frame, subscription);
    if (!this.#takesUseless(frame.size) || subscription !== undefined || frame.ref === null) return;
    this.wire.send(encodeReply(frame.joinRef, frame.ref, frame.topic, true, "{}"));
  }

  #end(frame: Frame, subscription: Subscription<Identity>): void {
    const { joinRef, spelling } = subscription;
    subscription.end();
    if (frame.ref !== null) this.wire.send(encodeReply(joinRef, frame.ref, frame.topic, true, "{}"));
    this.wire.send(encodeClose(joinRef, spelling));
  }

  /** The socket is gone. */
  end(): void {
    for (const subscription of [...this.#subscriptions.values()]) subscription.end();
  }

  /** A subscription ended; called by it, once. */
  forget(subscription: Subscription<Identity>): void {
    this.#subscriptions.delete(subscription.topic);
    this.#quota.left(this.#owner);
    this.topics.left(subscription);
  }

  /** Something that the client should have heard was dropped: it comes back and resumes. */
  overrun(): void {
    this.#observer.overrun("held", this.identity);
    this.giveUp("overloaded");
  }

  /** Ends the socket in a way that makes the client come back and resume. */
  giveUp(reason: string): void {
    this.end();
    this.wire.close(1013, reason);
  }

  failed(where: FailedIn, topic: string, error: unknown): void {
    try {
      this.#observer.failed(where, topic, error);
    } catch {
      // A broken log must not become the client's trouble.
    }
  }
}

/** 1013: the client may come back, and resumes (RFC 6455 7.4.1, "try again later"). */
const closeReasons: Readonly<Record<FloodReason, string>> = {
  frames: "too many frames",
  identity: "too many frames of one user",
  refused: "too many refused frames",
};

function expectsReply({ ref, event }: Frame): boolean {
  return ref !== null || event === "phx_join";
}

function isHeartbeat({ topic, event }: Frame): boolean {
  return topic === "phoenix" && event === "heartbeat";
}
