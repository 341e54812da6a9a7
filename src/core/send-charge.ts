import type { Limiter } from "./ports/limiter.ts";
import { rateLimited } from "./rate-limited.ts";
import type { Rejection } from "./rejection.ts";

/**
 * What a send costs its sender. Only its decision shows whether it is a new message or repeats one that is stored: there it is settled, and
 * again when it is decided again.
 */
export interface Charge {
  /** Counts one message, once. Null, or why the sender may not send one now. */
  newMessage(): Rejection | null;
  /** Gives the message back. */
  duplicate(): void;
}

/**
 * Counts a send as a message of its user, or as an operation of its connection: each is one of the two at every moment, so that repeated
 * sends are bounded as well, and what was counted wrongly at the door is put right in the order of decisions.
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

  /** At the door: as a message, else as an operation, because it may be a repeated one. Refused when there is room for neither. */
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

  /** Stays a message where there is no room for another operation. */
  duplicate(): void {
    if (!this.#isMessage || this.#limiter.take("connection_operations", this.#connectionKey) > 0) return;
    this.#limiter.giveBack("user_messages", this.#userId);
    this.#isMessage = false;
  }
}
