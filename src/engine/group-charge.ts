import type { Limiter } from "../core/ports/limiter.ts";
import { rateLimited } from "../core/rate-limited.ts";
import type { Rejection } from "../core/rejection.ts";
import type { Charge } from "../core/send-charge.ts";

/** Adds the limit of large groups to what a send costs: each message there is pushed to many members. Duplicates do not count. */
export class GroupCharge implements Charge {
  readonly #charge: Charge | null;
  readonly #limiter: Limiter;
  readonly #key: string;
  readonly #isLarge: () => boolean;
  #isCounted = false;

  constructor(options: {
    /** What the send costs in any conversation; null: nothing. */
    readonly charge: Charge | null;
    readonly limiter: Limiter;
    readonly key: string;
    readonly isLarge: () => boolean;
  }) {
    this.#charge = options.charge;
    this.#limiter = options.limiter;
    this.#key = options.key;
    this.#isLarge = options.isLarge;
  }

  newMessage(): Rejection | null {
    const tooMany = this.#charge?.newMessage() ?? null;
    if (tooMany || this.#isCounted || !this.#isLarge()) return tooMany;
    const tooManyHere = rateLimited(this.#limiter, "conversation_messages", this.#key);
    this.#isCounted = tooManyHere === null;
    return tooManyHere;
  }

  duplicate(): void {
    this.#charge?.duplicate();
    if (this.#isCounted) this.#limiter.giveBack("conversation_messages", this.#key);
    this.#isCounted = false;
  }
}
