import { type Rejection, reject } from "../../core/rejection.ts";
import type { Delivery } from "../../engine/sync/delivery.ts";

/** All sockets of a user would have to end first; clients come back by themselves. */
const retryAfterMs = 30_000;

/** Counts the open sockets of each user, and tells delivery of the first and the last of each. 0: as many as they like. */
export class UserSockets {
  readonly #most: number;
  readonly #delivery: Pick<Delivery, "connected" | "disconnected">;
  readonly #open = new Map<string, number>();

  constructor(options: {
    readonly maxSocketsPerUser: number;
    readonly delivery: Pick<Delivery, "connected" | "disconnected">;
  }) {
    this.#most = options.maxSocketsPerUser;
    this.#delivery = options.delivery;
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
    const open = (this.#open.get(userId) ?? 0) + 1;
    this.#open.set(userId, open);
    if (open === 1) this.#delivery.connected(userId);
  }

  closed(userId: string): void {
    const left = (this.#open.get(userId) ?? 0) - 1;
    if (left > 0) return void this.#open.set(userId, left);
    this.#open.delete(userId);
    this.#delivery.disconnected(userId);
  }
}
