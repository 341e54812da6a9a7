import type { Clock } from "../../core/ports/clock.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import { type Typist, Typists } from "../../core/presence/typing.ts";
import type { Session } from "./session.ts";

/**
 * Publishes who types, from the sockets of this node to all nodes. A signal goes over the bus at most once: when the end of it is lost with this
 * node, clients end it themselves after five seconds. Nothing is kept for listeners.
 */
export class Typing {
  readonly #pubsub: Pick<PubSub, "publish">;
  readonly #clock: Clock;
  readonly #typists = new Typists();
  #cancel: (() => void) | null = null;

  constructor(options: { readonly pubsub: Pick<PubSub, "publish">; readonly clock: Clock }) {
    this.#pubsub = options.pubsub;
    this.#clock = options.clock;
  }

  /** A signal of a socket that is on the conversation's topic, so its user is a member. */
  signalled({ userId, connectionKey }: Session, conversationId: string, isTyping: boolean): void {
    const signal = { conversationId, userId, connectionKey, isTyping };
    if (this.#typists.signal(signal, this.#clock.monotonicMs())) this.#tell(signal);
    this.#watch();
  }

  /** The message was sent, so the typing ends. On the path of every message: nothing is looked up while nobody types. */
  sent(conversationId: string, userId: string): void {
    if (this.#typists.sent(conversationId, userId)) this.#tell({ conversationId, userId, isTyping: false });
  }

  /** The socket is on the topic no more: it was closed, left, or its user is no member any more. */
  left({ userId, connectionKey }: Session, conversationId: string): void {
    const typist = this.#typists.find(conversationId, userId);
    if (typist?.connectionKey !== connectionKey) return;
    if (this.#typists.ended(conversationId, userId)) this.#tell(typist);
  }

  /** Whether this socket is the source of the user's signal: then it must not hear it. */
  isSource(session: Session, conversationId: string, userId: string): boolean {
    if (session.userId !== userId) return false;
    return this.#typists.find(conversationId, userId)?.connectionKey === session.connectionKey;
  }

  stop(): void {
    this.#cancel?.();
  }

  #tell({ conversationId, userId, isTyping }: Pick<Typist, "conversationId" | "userId" | "isTyping">): void {
    this.#pubsub.publish({ type: "typing", conversationId, userId, isTyping });
  }

  /** One timer, for the one whose time is over first. */
  #watch(): void {
    const endMs = this.#typists.nextEndMs;
    if (this.#cancel || endMs === null) return;
    this.#cancel = this.#clock.after(Math.max(0, endMs - this.#clock.monotonicMs()), () => {
      this.#cancel = null;
      const ended = this.#typists.expire(this.#clock.monotonicMs());
      this.#watch();
      for (const typist of ended) this.#tell(typist);
    });
  }
}
