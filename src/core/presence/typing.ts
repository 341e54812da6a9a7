/** How long a typist types after their last signal: a client that is gone sends no end. */
export const typingLastsMs = 5_000;
/** The shortest time between two reports that the same user types. */
export const typingEveryMs = 2_000;
/** The most typists of one conversation, and of all. Further ones are not reported. */
const maxTypistsOfOne = 100;
const maxTypists = 50_000;
const never = Number.NEGATIVE_INFINITY;

/** One user in one conversation, on any of their devices. */
export interface Typist {
  readonly conversationId: string;
  readonly userId: string;
  /** The connection of the last signal: it knows already. */
  connectionKey: string;
  isTyping: boolean;
  changedMs: number;
  toldMs: number;
}

export interface TypingSignal {
  readonly conversationId: string;
  readonly userId: string;
  readonly connectionKey: string;
  readonly isTyping: boolean;
}

/**
 * Knows who types on this node's sockets. Callers pass the time, in milliseconds that never go back, and report exactly what is returned.
 * Then every typist who was reported is also reported to have ended: by a signal, a message, the end of their topic, or time.
 */
export class Typists {
  readonly #byConversation = new Map<string, Typist[]>();
  /** In the order of their last change, which is the order of their ends. */
  readonly #inOrder = new Set<Typist>();

  get size(): number {
    return this.#inOrder.size;
  }

  find(conversationId: string, userId: string): Typist | undefined {
    return this.#byConversation.get(conversationId)?.find((typist) => typist.userId === userId);
  }

  /** Returns whether to report the signal. A repeated signal prolongs the typing; an end is always reported, once. */
  signal(signal: TypingSignal, nowMs: number): boolean {
    if (!signal.isTyping) return this.ended(signal.conversationId, signal.userId);
    const typist = this.find(signal.conversationId, signal.userId) ?? this.#add(signal);
    if (!typist) return false;
    typist.connectionKey = signal.connectionKey;
    this.#changed(typist, nowMs);
    if (nowMs - typist.toldMs < typingEveryMs) return false;
    typist.toldMs = nowMs;
    typist.isTyping = true;
    return true;
  }

  /** Returns whether to report the end: they were reported to type. */
  ended(conversationId: string, userId: string): boolean {
    if (this.#inOrder.size === 0) return false;
    const typist = this.find(conversationId, userId);
    if (!typist?.isTyping) return false;
    typist.isTyping = false;
    return true;
  }

  /** As `ended`, by a message. The next signal may be reported at once, because messages are limited already. */
  sent(conversationId: string, userId: string): boolean {
    if (!this.ended(conversationId, userId)) return false;
    this.find(conversationId, userId)!.toldMs = never;
    return true;
  }

  /** Returns the typists whose time is over, to be reported. They are remembered for as long again, so that they are not reported too often. */
  expire(nowMs: number): readonly Typist[] {
    const ended: Typist[] = [];
    for (const typist of this.#inOrder) {
      if (nowMs - typist.changedMs < typingLastsMs) break;
      if (typist.isTyping) ended.push(typist);
      else this.#forget(typist);
    }
    for (const typist of ended) {
      typist.isTyping = false;
      this.#changed(typist, nowMs);
    }
    return ended;
  }

  /** When the time of the next typist is over; null: there is none. */
  get nextEndMs(): number | null {
    for (const typist of this.#inOrder) return typist.changedMs + typingLastsMs;
    return null;
  }

  #add({ conversationId, userId, connectionKey }: TypingSignal): Typist | null {
    const others = this.#byConversation.get(conversationId) ?? [];
    if (others.length >= maxTypistsOfOne || this.size >= maxTypists) return null;
    const ago = { changedMs: never, toldMs: never };
    const typist = { conversationId, userId, connectionKey, isTyping: false, ...ago };
    this.#byConversation.set(conversationId, [...others, typist]);
    return typist;
  }

  #changed(typist: Typist, nowMs: number): void {
    typist.changedMs = nowMs;
    this.#inOrder.delete(typist);
    this.#inOrder.add(typist);
  }

  #forget(typist: Typist): void {
    const { conversationId } = typist;
    const others = this.#byConversation.get(conversationId)!.filter((each) => each !== typist);
    this.#inOrder.delete(typist);
    if (others.length === 0) this.#byConversation.delete(conversationId);
    else this.#byConversation.set(conversationId, others);
  }
}
