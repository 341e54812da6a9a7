import { type Rejection, reject } from "../../core/rejection.ts";

/** All sockets of a user would have to end first; clients come back by themselves. */
const retryAfterMs = 30_000;

/** Counts the open sockets of each user. 0: as many as they like. */
export class UserSockets {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  constructor(options: { readonly maxSocketsPerUser: number }) {
    this.#most = options.maxSocketsPerUser;
  }

  /** Null: this user may open another one. Ask right before it is opened. */
  refusal(userId: string): Rejection | null {
    if (this.#most === 0 || (this.#open.get(userId) ?? 0) < this.#most) return null;
    return reject(
      "rate_limited",
      `Too many connections of one user: ${this.#most} may be open at once. Close one, or try again after retry_after_ms.`,
      { retryAfterMs },
    );
  }

  opened(userId: string): void {
    this.#open.set(userId, (this.#open.get(userId) ?? 0) + 1);
  }

  closed(userId: string): void {
    const left = (this.#open.get(userId) ?? 0) - 1;
    if (left > 0) this.#open.set(userId, left);
    else this.#open.delete(userId);
  }
}
