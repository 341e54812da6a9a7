import type { Limiter } from "./ports/limiter.ts";
import { rateLimited } from "./rate-limited.ts";
import type { Rejection } from "./rejection.ts";

/**
 * What a send costs its sender. Only the decision shows whether it is a new message or a duplicate, so the actor calls one of these methods
 * with each decision, also when it decides the same send again.
 */
export interface Charge {
  /** Counts the send as a message unless it is counted already. Returns null, or the refusal when the limit is reached. */
  newMessage(): Rejection | null;
  /** Gives the message back unless that was done already. */
  duplicate(): void;
}

/**
 * Counts a send either as a message of its user or as an operation of its connection, never as both or neither. Duplicates are operations,
 * so that they are bounded too. A send is counted when it arrives, by a guess, and the decision corrects the guess.
 */
export class SendCharge implements Charge {
  readonly #limiter: Limiter;
  readonly #userId: string;
  readonly #connectionKey: string;
  #isMessage: boolean;

  private constructor(limiter: Limiter, userId: string, connectionKey: string, isMessage: boolean) {
    this.#limiter = limiter;
    this.#userId = userId;
    this.#connectionKey = connectionKey;
    this.#isMessage = isMessage;
  }

  /**
   * Counts a send that arrives: as a message, or as an operation when the user has no message left, because it may be a duplicate. Refuses it
   * when both limits are reached.
   */
  static take(limiter: Limiter, userId: string, connectionKey: string): SendCharge | Rejection {
    const tooMany = rateLimited(limiter, "user_messages", userId);
    if (!tooMany) return new SendCharge(limiter, userId, connectionKey, true);
    if (limiter.take("connection_operations", connectionKey) > 0) return tooMany;
    return new SendCharge(limiter, userId, connectionKey, false);
  }

  newMessage(): Rejection | null {
    if (this.#isMessage) return null;
    const tooMany = rateLimited(this.#limiter, "user_messages", this.#userId);
    if (tooMany) return tooMany;
    this.#limiter.giveBack("connection_operations", this.#connectionKey);
    this.#isMessage = true;
    return null;
  }

  /** The send stays a message when the connection has no operation left. */
  duplicate(): void {
    if (!this.#isMessage || this.#limiter.take("connection_operations", this.#connectionKey) > 0) return;
    this.#limiter.giveBack("user_messages", this.#userId);
    this.#isMessage = false;
  }
}
