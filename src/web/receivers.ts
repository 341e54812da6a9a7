import type { Joining, Position, Prover } from "../phoenix/channel.ts";
import type { Receipts } from "./domain.ts";
import type { Session } from "./session.ts";

/** Where a broadcast stands, with what its receivers need of it. */
export interface FramePosition extends Position {
  /** Of the newest message that it brings; 0: none. */
  readonly seq: number;
  /** Who sent that message. */
  readonly senderId: string;
}

/** What was sent on a topic of a socket and is not proved to have arrived. */
interface Sent {
  seq: number;
  rev: number;
  /** The last message of somebody else: one's own need no tick. 0: none. */
  othersSeq: number;
}

type Proving = Pick<Joining<Session>, "prove" | "identity">;

/**
 * One device on its user's topic. Its position in a conversation moves when everything up to there was sent on its socket, in order,
 * and the socket proved alive: a write alone proves nothing.
 */
export class UserReceiver implements Prover {
  readonly session: Session;
  readonly #joining: Proving;
  readonly #receipts: Receipts;
  #sent = new Map<string, Sent>();
  #pinged = new Map<string, Sent>();
  #isAsked = false;
  #isLive = false;

  constructor(options: { readonly joining: Proving; readonly receipts: Receipts }) {
    this.session = options.joining.identity;
    this.#joining = options.joining;
    this.#receipts = options.receipts;
  }

  /** From here on what is broadcast is sent. */
  live(): void {
    this.#isLive = true;
  }

  /** It was broadcast on the topic, which is nothing to a device that is not live. */
  broadcast(position: FramePosition): void {
    if (this.#isLive) this.released(position);
  }

  /** A broadcast that was held is being sent. */
  released({ stream, at, seq, senderId }: FramePosition): void {
    this.sent(stream, seq, at, senderId === this.session.userId ? 0 : seq);
  }

  /** Everything of the conversation up to this revision was sent. */
  sent(conversationId: string, seq: number, rev: number, othersSeq: number): void {
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
    this.#receipts.cursors.ended();
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#joining.prove(this);
  }
}

/** One socket on a conversation's topic. It began at the head: history is read over REST, so the first message after it may be ticked. */
export class ConversationReceiver implements Prover {
  readonly session: Session;
  readonly #conversationId: string;
  readonly #joining: Proving;
  readonly #receipts: Receipts;
  #sentSeq = 0;
  #pingedSeq = 0;

  constructor(options: {
    readonly conversationId: string;
    readonly joining: Proving;
    readonly receipts: Receipts;
  }) {
    this.session = options.joining.identity;
    this.#conversationId = options.conversationId;
    this.#joining = options.joining;
    this.#receipts = options.receipts;
  }

  /** Broadcasts that came during the join are being sent; asking waits until it is accepted. */
  released({ seq, senderId }: FramePosition): void {
    if (senderId !== this.session.userId) this.#sentSeq = Math.max(this.#sentSeq, seq);
  }

  accepted(): void {
    if (this.#sentSeq > 0) this.#joining.prove(this);
  }

  broadcast(position: FramePosition): void {
    const isAsked = this.#sentSeq > 0;
    this.released(position);
    if (!isAsked && this.#sentSeq > 0) this.#joining.prove(this);
  }

  pinged(): void {
    this.#pingedSeq = this.#sentSeq;
    this.#sentSeq = 0;
  }

  proved(): void {
    const { userId } = this.session;
    const conversationId = this.#conversationId;
    this.#receipts.marks.note({
      type: "mark",
      conversationId,
      userId,
      kind: "delivered",
      seq: this.#pingedSeq,
    });
  }
}

/** Who on this node receives what: by user, and by conversation. Bounded by the topics of the sockets. */
export class Receivers {
  readonly #users = new Map<string, Map<Session, UserReceiver>>();
  readonly #conversations = new Map<string, Map<Session, ConversationReceiver>>();

  addUser(receiver: UserReceiver): void {
    add(this.#users, receiver.session.userId, receiver);
  }

  addConversation(conversationId: string, receiver: ConversationReceiver): void {
    add(this.#conversations, conversationId, receiver);
  }

  leftUser(session: Session): void {
    this.#users.get(session.userId)?.get(session)?.ended();
    remove(this.#users, session.userId, session);
  }

  leftConversation(conversationId: string, session: Session): void {
    remove(this.#conversations, conversationId, session);
  }

  /** The devices of a user that are live on his topic. */
  ofUser(userId: string): Iterable<UserReceiver> {
    return this.#users.get(userId)?.values() ?? none;
  }

  /** The sockets on the conversation's topic whose devices are not live on their user's topic, which tells more. */
  *ofConversation(conversationId: string): Iterable<ConversationReceiver> {
    const receivers = this.#conversations.get(conversationId);
    if (!receivers) return;
    for (const receiver of receivers.values()) {
      if (!this.#users.get(receiver.session.userId)?.has(receiver.session)) yield receiver;
    }
  }
}

const none: readonly never[] = [];

function add<R extends { readonly session: Session }>(
  receivers: Map<string, Map<Session, R>>,
  key: string,
  receiver: R,
): void {
  const sessions = receivers.get(key);
  if (sessions) sessions.set(receiver.session, receiver);
  else receivers.set(key, new Map([[receiver.session, receiver]]));
}

function remove<R>(receivers: Map<string, Map<Session, R>>, key: string, session: Session): void {
  const sessions = receivers.get(key);
  sessions?.delete(session);
  if (sessions?.size === 0) receivers.delete(key);
}
