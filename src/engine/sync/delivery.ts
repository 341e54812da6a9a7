import type { Member } from "../../core/conversations/conversation.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DeliveryReads } from "../../core/ports/delivery-reads.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { ChangeFrame, ConversationFrame, Frame, PubSub, Subscription } from "../../core/ports/pubsub.ts";
import { FanOut } from "./fan-out.ts";
import { partsOf, topicsOf } from "./frame-load.ts";
import type { WholeFrame } from "./gap-reader.ts";
import { type Heads, Ordering } from "./ordering.ts";

/** Gets what goes to the sockets of this node, in this order. Calls are synchronous. */
export interface DeliveryListener {
  /** All others hear nothing of the conversation from here on. */
  membersChanged(conversationId: string, members: ReadonlyMap<string, Member>): void;
  /**
   * The changes of one revision: in the order of revisions, each once, without a gap. `isLate`: others may have become members since. They
   * must not hear it.
   */
  changed(frame: WholeFrame, isLate: boolean): void;
  /** A frame without a revision, as it comes. */
  published(frame: Exclude<Frame, ChangeFrame>): void;
}

/**
 * Brings what the bus carries to the sockets of this node: asks for it while somebody listens, spreads what is large over turns of the event
 * loop, and puts changes in the order of revisions. One listener.
 */
export class Delivery {
  readonly #pubsub: Pick<PubSub, "listen" | "subscribe">;
  readonly #ordering: Ordering;
  readonly #fanOut: FanOut;
  /** By conversation whose own topic a socket is on, or is joining. */
  readonly #conversations = new Map<string, Subscription>();
  /** By user with sockets. */
  readonly #users = new Map<string, Subscription>();
  /** Users whose own topic a socket is on, or is joining. */
  readonly #heardUsers = new Set<string>();
  #listener: DeliveryListener = nobody;

  constructor(options: {
    readonly pubsub: Pick<PubSub, "listen" | "subscribe">;
    readonly reads: DeliveryReads;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    const { pubsub, reads, clock, observer } = options;
    this.#pubsub = pubsub;
    this.#fanOut = new FanOut({ failed: (error) => observer.bug("telling what was published", error) });
    this.#ordering = new Ordering({
      reads,
      clock,
      observer,
      tell: (frame, isLate) => this.#listener.changed(frame, isLate),
      membersChanged: (conversationId, members) => this.#listener.membersChanged(conversationId, members),
      isTopicHeard: (conversationId) => this.#conversations.has(conversationId),
      isUserHeard: (userId) => this.#heardUsers.has(userId),
      subscribe: (conversationId) => pubsub.subscribe("conversation", conversationId),
    });
    pubsub.listen((frame) => this.#receive(frame));
  }

  subscribe(listener: DeliveryListener): void {
    this.#listener = listener;
  }

  /** The first socket of the user was opened. */
  connected(userId: string): void {
    this.#users.set(userId, this.#pubsub.subscribe("user", userId));
  }

  /** The last socket of the user is closed. */
  disconnected(userId: string): void {
    this.#users.get(userId)?.release();
    this.#users.delete(userId);
  }

  /** The first socket begins to join the conversation's topic. */
  conversationHeard(conversationId: string): void {
    this.#conversations.set(conversationId, this.#pubsub.subscribe("conversation", conversationId));
  }

  /** No socket is on the conversation's topic any more, or joining it. */
  conversationUnheard(conversationId: string): void {
    const subscription = this.#conversations.get(conversationId);
    this.#conversations.delete(conversationId);
    subscription?.release();
    if (subscription?.confirmed) this.#ordering.unheard(conversationId);
  }

  /** The first socket begins to join its user's topic. */
  userHeard(userId: string): void {
    this.#heardUsers.add(userId);
  }

  /** No socket is on the user's topic any more, or joining it. */
  userUnheard(userId: string): void {
    this.#heardUsers.delete(userId);
    this.#ordering.userUnheard(userId);
  }

  /** Null, or what resolves when nothing is missed that is published from then on. A join reads after it. */
  confirmed(userId: string, conversationId?: string): Promise<unknown> | null {
    const user = this.#users.get(userId)?.confirmed ?? null;
    const conversation = conversationId && this.#conversations.get(conversationId)?.confirmed;
    return conversation ? Promise.all([user, conversation]) : user;
  }

  /** A join was answered at this revision: what comes next must follow it. Never raises what is known. */
  joined(conversationId: string, rev: number): void {
    this.#ordering.joined(conversationId, rev);
  }

  /** As in `Ordering`. */
  userJoined(userId: string, heads: Heads): Promise<void> | null {
    return this.#ordering.userJoined(userId, heads);
  }

  userLeft(userId: string): void {
    this.#ordering.userLeft(userId);
  }

  /** As in `Ordering`. */
  reached(conversationId: string, rev: number): Promise<void> | null {
    return this.#ordering.reached(conversationId, rev);
  }

  /** The revision of the newest members that were heard of; -1: none were. */
  membersRevOf(conversationId: string): number {
    return this.#ordering.membersRevOf(conversationId);
  }

  /** As in `Ordering`. */
  compareHeads(shards?: ReadonlySet<number>): Promise<void> {
    return this.#ordering.compareHeads(shards);
  }

  /** Shards went to other nodes: what is known of conversations that nobody here listens to grows old. */
  forgetUnheard(): void {
    this.#ordering.forgetUnheard();
  }

  /** The store has another history: what waits to be told is of the old one. Sockets must be closed by then. */
  forgetAll(): void {
    this.#fanOut.clear();
    this.#ordering.forgetAll();
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#ordering.stop();
  }

  #receive(frame: Frame): void {
    if (frame.type === "apart") return this.#listener.published(frame);
    if (frame.type !== "marks") return this.#inTurn(frame);
    for (const part of partsOf(frame)) this.#inTurn(part);
  }

  #inTurn(frame: ConversationFrame): void {
    const { conversationId } = frame;
    const topics = this.#topicsOf(frame);
    if (this.#fanOut.takes(conversationId, topics)) this.#deliver(frame);
    else this.#fanOut.wait({ conversationId, topics, send: () => this.#deliver(frame) });
  }

  #topicsOf(frame: ConversationFrame): number {
    const isBare = frame.type === "changes" && !frame.members;
    return isBare ? this.#ordering.membersKnown(frame.conversationId) : topicsOf(frame);
  }

  #deliver(frame: ConversationFrame): void {
    if (frame.type === "changes") return this.#ordering.forward(frame);
    if (frame.type === "created")
      this.#ordering.created(frame.conversationId, [frame.creatorId, ...frame.otherIds]);
    this.#listener.published(frame);
  }
}

const nobody: DeliveryListener = { membersChanged() {}, changed() {}, published() {} };
