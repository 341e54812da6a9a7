import type { Delivery } from "../../engine/sync/delivery.ts";
import type { Heads } from "../../engine/sync/ordering.ts";
import type { Joining, Position, Receiver } from "../../phoenix/channel.ts";
import type { Receipts } from "../domain.ts";
import type { Session } from "./session.ts";

/** The position of a broadcast, with what its receivers need to know. */
export interface FramePosition extends Position {
  /** The seq of the newest message that it brings; 0: none. */
  readonly seq: number;
  /** The sender of that message. */
  readonly senderId: string;
}

/** The positions that were sent on a topic of a socket and are not proved to have arrived. */
interface Sent {
  seq: number;
  rev: number;
  /** The last message of somebody else: one's own need no tick. 0: none. */
  othersSeq: number;
}

type Proving = Pick<Joining<Session>, "prove" | "identity">;

/** The subscriptions to users' topics, each from its acceptance to its end. Bounded by the sockets. */
export class UserSubscriptions {
  readonly #sessions = new Set<Session>();
  readonly #delivery: Pick<Delivery, "userJoined" | "userLeft">;

  constructor(options: { readonly delivery: Pick<Delivery, "userJoined" | "userLeft"> }) {
    this.#delivery = options.delivery;
  }

  /** Answered at these revisions. Null, or what resolves when nothing that came after them is missed any more. */
  began(session: Session, heads: Heads): Promise<void> | null {
    this.#sessions.add(session);
    return this.#delivery.userJoined(session.userId, heads);
  }

  /** Does nothing when it never began. */
  ended(session: Session): void {
    if (this.#sessions.delete(session)) this.#delivery.userLeft(session.userId);
  }

  has(session: Session): boolean {
    return this.#sessions.has(session);
  }
}

/**
 * Records what one subscription to a user's topic received. The position of its device in a conversation moves when everything up to there was
 * sent by this subscription, in order, and the socket proved alive afterwards: a write alone proves nothing.
 */
export class UserReceiver implements Receiver {
  readonly session: Session;
  /** Null, or what resolves when nothing that came after the answer is missed any more. */
  complete: Promise<void> | null = null;
  readonly #joining: Proving;
  readonly #receipts: Receipts;
  readonly #subscriptions: Pick<UserSubscriptions, "ended">;
  #sent = new Map<string, Sent>();
  #pinged = new Map<string, Sent>();
  #isAsked = false;

  constructor(options: {
    readonly joining: Proving;
    readonly receipts: Receipts;
    readonly subscriptions: Pick<UserSubscriptions, "ended">;
  }) {
    this.session = options.joining.identity;
    this.#joining = options.joining;
    this.#receipts = options.receipts;
    this.#subscriptions = options.subscriptions;
  }

  sent(position: Position): void {
    const { stream, at, seq, senderId } = position as FramePosition;
    this.reached(stream, seq, at, senderId === this.session.userId ? 0 : seq);
  }

  /** Everything of the conversation up to this revision was sent. */
  reached(conversationId: string, seq: number, rev: number, othersSeq: number): void {
    const known = this.#sent.get(conversationId);
    if (known) {
      known.seq = Math.max(known.seq, seq);
      known.rev = Math.max(known.rev, rev);
      known.othersSeq = Math.max(known.othersSeq, othersSeq);
    } else this.#sent.set(conversationId, { seq, rev, othersSeq });
    this.#ask();
  }

  pinged(): void {
    this.#isAsked = false;
    this.#pinged = this.#sent;
    this.#sent = new Map();
  }

  proved(): void {
    const { userId, deviceId } = this.session;
    for (const [conversationId, { seq, rev, othersSeq }] of this.#pinged) {
      if (othersSeq > 0) {
        this.#receipts.marks.note({
          type: "mark",
          conversationId,
          userId,
          kind: "delivered",
          seq: othersSeq,
        });
      }
      if (deviceId !== null) this.#receipts.cursors.confirmed({ userId, deviceId, conversationId, seq, rev });
    }
    this.#pinged = new Map();
  }

  ended(): void {
    this.#subscriptions.ended(this.session);
    this.#receipts.cursors.ended();
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#joining.prove();
  }
}

/**
 * Records what one subscription to a conversation's topic received, unless the socket is on its user's topic, which tells a device more. The
 * subscription began at the head: history is read over REST, so the first message after the head may be marked as delivered.
 */
export class ConversationReceiver implements Receiver {
  readonly #session: Session;
  readonly #conversationId: string;
  readonly #joining: Proving;
  readonly #receipts: Receipts;
  readonly #subscriptions: Pick<UserSubscriptions, "has">;
  #sentSeq = 0;
  #pingedSeq = 0;

  constructor(options: {
    readonly conversationId: string;
    readonly joining: Proving;
    readonly receipts: Receipts;
    readonly subscriptions: Pick<UserSubscriptions, "has">;
  }) {
    this.#session = options.joining.identity;
    this.#conversationId = options.conversationId;
    this.#joining = options.joining;
    this.#receipts = options.receipts;
    this.#subscriptions = options.subscriptions;
  }

  sent(position: Position): void {
    const { seq, senderId } = position as FramePosition;
    if (seq <= this.#sentSeq || senderId === this.#session.userId) return;
    if (this.#subscriptions.has(this.#session)) return;
    const isAsked = this.#sentSeq > 0;
    this.#sentSeq = seq;
    if (!isAsked) this.#joining.prove();
  }

  pinged(): void {
    this.#pingedSeq = this.#sentSeq;
    this.#sentSeq = 0;
  }

  proved(): void {
    const { userId } = this.#session;
    const conversationId = this.#conversationId;
    this.#receipts.marks.note({
      type: "mark",
      conversationId,
      userId,
      kind: "delivered",
      seq: this.#pingedSeq,
    });
  }

  /** Nothing is kept beyond it. */
  ended(): void {}
}
