import type { Charge, Charges } from "../core/limits/charge.ts";
import { arrivals, type Costs } from "../core/limits/costs.ts";
import { type Rejection, reject } from "../core/rejection.ts";
import { costsOfEvent } from "../operations/event-costs.ts";
import type { EventLoopLag } from "./http/event-loop-lag.ts";
import type { RetryPauses } from "./http/retry-pauses.ts";
import type { Session } from "./realtime/session.ts";

/**
 * Decides what may come in now: by limits for user, connection and address, and less of everything while the loop is late. Both doors ask it about each
 * operation; what each costs is in its file.
 */
export class Gate {
  readonly #charges: Charges;
  readonly #lateness: EventLoopLag;
  readonly #pauses: Pick<RetryPauses, "next">;

  constructor(options: {
    readonly charges: Charges;
    readonly lateness: EventLoopLag;
    readonly pauses: Pick<RetryPauses, "next">;
  }) {
    this.#charges = options.charges;
    this.#lateness = options.lateness;
    this.#pauses = options.pauses;
  }

  /** A frame of a socket, before anything else is made of it. Never asked for heartbeats. */
  frame(session: Session, event: string): Rejection | null {
    const costs = costsOfEvent(event);
    // An arrival has its place already (`Admission`): stock clients join again only after 1 s, then 2, 5 and 10.
    const isAdmitted = costs.class === "join" && session.arrival.takesJoins;
    if (this.#isLateFor(costs) && !isAdmitted) return late;
    return this.#charges.arrived(costs, session);
  }

  /** An event of a joined topic, whose frame came in. The charge of what it does, or the refusal of one message too many. */
  event(session: Session, costs: Costs): Charge | Rejection {
    return this.#charges.begin(costs, session);
  }

  /** Frames of one user's sockets, before they are read. False: they sent too many. */
  frames({ userId }: Session, count: number): boolean {
    return this.#charges.attempt([{ limit: "user_frames", key: userId, cost: count }]) === null;
  }

  /** A request body of this user that will have so many bytes, before it is read. */
  body(userId: string, bytes: number): Rejection | null {
    return this.#charges.take([{ limit: "user_frames", key: userId, cost: Math.max(1, bytes / 1_024) }]);
  }

  /** A request over REST whose token is not verified yet. */
  request(costs: Costs): Rejection | null {
    return this.#isLateFor(costs) ? late : null;
  }

  /** A request of a user. The charge of what it does, or why it may not come in. */
  requestOf(userId: string, costs: Costs): Charge | Rejection {
    const caller = { userId, connectionKey: null };
    return this.#charges.arrived(costs, caller) ?? this.#charges.begin(costs, caller);
  }

  /** So many bytes are sent to the user as the answer to this operation, which came with `sentBytes`. */
  answered(userId: string, costs: Costs, bytes: number, sentBytes = 0): void {
    this.#charges.answered(userId, costs, bytes, sentBytes);
  }

  /** A page of what a device of this user missed, of so many bytes, was sent. */
  backlogSent(userId: string, bytes: number): void {
    this.#charges.backlogSent(userId, bytes);
  }

  /** Milliseconds until the next one may be; 0: now. */
  backlogWaitMs(userId: string): number {
    return this.#charges.backlogWaitMs(userId);
  }

  /** A socket that this user is to open. Call before `pace`, so that the excess of one user does not use the shared budget. */
  handshake(userId: string): Rejection | null {
    return this.#charges.take([{ limit: "user_handshakes", key: userId, cost: 1 }]);
  }

  /** A socket that is to be opened, against the fixed rate of all of them where one is set. */
  pace(): Rejection | null {
    if (this.#charges.attempt([{ limit: "process_handshakes", key: "", cost: 1 }]) === null) return null;
    const perSecond = this.#charges.rateOf("process_handshakes").perMinute / 60;
    const text = `Too many connect at once: this server opens ${perSecond} connections a second. Try again after retry_after_ms.`;
    return reject("overloaded", text, { retryAfterMs: this.#pauses.next() });
  }

  /** Does not ask `EventLoopLag` about operations that are never refused: it tells load from a single pause by how often it is asked. */
  #isLateFor(costs: Costs): boolean {
    const { shedAt } = arrivals[costs.class];
    return shedAt !== null && this.#lateness.exceeds(shedAt);
  }
}

const shortestPauseMs = 1_000;

const late = reject(
  "overloaded",
  "The server has more to do than it can at present. Nothing was changed; try again after retry_after_ms.",
  { retryAfterMs: shortestPauseMs },
);
