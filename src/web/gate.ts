import type { Limiter, LimitName } from "../core/ports/limiter.ts";
import { rateLimited } from "../core/rate-limited.ts";
import { type Rejection, reject } from "../core/rejection.ts";
import { SendCharge } from "../core/send-charge.ts";
import type { Lateness } from "./lateness.ts";
import type { RetryPauses } from "./retry-pauses.ts";
import type { Session } from "./session.ts";

/** What a frame of one kind is held to. */
interface Kind {
  readonly limit: LimitName | null;
  /** The part of the greatest lateness from which on it is refused: what can be missed goes first. */
  readonly shedAt: number;
}

/** Counted by user, not by connection. */
const message: Kind = { limit: null, shedAt: 1 };
const operation: Kind = { limit: "connection_operations", shedAt: 1 };
const typing: Kind = { limit: "connection_typing", shedAt: 0.5 };
const status: Kind = { limit: "connection_operations", shedAt: 0.5 };
const reading: Kind = { limit: "connection_reads", shedAt: 1 };
const join: Kind = { limit: "connection_joins", shedAt: 1 };
const leave: Kind = { limit: "connection_joins", shedAt: Number.POSITIVE_INFINITY };

const kinds: ReadonlyMap<string, Kind> = new Map([
  ["new_message", message],
  ["send_message", message],
  ["user_typing", typing],
  ["typing_start", typing],
  ["typing_stop", typing],
  ["update_status", status],
  ["message_read", reading],
  ["mark_read", reading],
  ["message_delivered", reading],
  ["mark_conversation_read", reading],
  ["mark_unread", reading],
  ["phx_join", join],
  ["phx_leave", leave],
]);

/** What may come in now: limits by user, connection and address, and less of everything while the loop is late. */
export class Gate {
  readonly #limiter: Limiter;
  readonly #lateness: Lateness;
  readonly #pauses: Pick<RetryPauses, "next">;

  constructor(options: {
    readonly limiter: Limiter;
    readonly lateness: Lateness;
    readonly pauses: Pick<RetryPauses, "next">;
  }) {
    this.#limiter = options.limiter;
    this.#lateness = options.lateness;
    this.#pauses = options.pauses;
  }

  /** A frame of a socket, before anything else is made of it. Never asked for heartbeats. */
  frame({ connectionKey, arrival }: Session, event: string): Rejection | null {
    const kind = kinds.get(event) ?? operation;
    // It makes room; a client that is refused it believes that it left.
    if (kind === leave) return this.#count(connectionKey);
    // An arrival has its place already (`Admission`): stock clients join again only after 1 s, then 2, 5 and 10.
    const isAdmitted = kind === join && arrival.takesJoins;
    if (this.#lateness.exceeds(kind.shedAt) && !isAdmitted) return late;
    return kind.limit && rateLimited(this.#limiter, kind.limit, connectionKey);
  }

  #count(connectionKey: string): null {
    this.#limiter.take("connection_joins", connectionKey);
    return null;
  }

  /** Frames of one user's sockets, before they are read. False: they sent too many. */
  frames({ userId }: Session, count: number): boolean {
    return this.#limiter.take("user_frames", userId, count) === 0;
  }

  /** A request body of this user that will have so many bytes, before it is read. */
  body(userId: string, bytes: number): Rejection | null {
    return rateLimited(this.#limiter, "user_frames", userId, Math.max(1, bytes / 1_024));
  }

  /** A request that changes something. */
  command(): Rejection | null {
    return this.#lateness.exceeds(1) ? late : null;
  }

  /** A message of this user, through whichever door; REST counts as one connection of each user. Settled by what becomes of it. */
  message(userId: string, connectionKey = `requests of ${userId}`): SendCharge | Rejection {
    return SendCharge.take(this.#limiter, userId, connectionKey);
  }

  /** A socket that this user is to open. Ask before `pace`: what one sends too much must not use up what is there for all. */
  handshake(userId: string): Rejection | null {
    return rateLimited(this.#limiter, "user_handshakes", userId);
  }

  /** A socket that is to be opened, against the fixed rate of all of them where one is set. */
  pace(): Rejection | null {
    if (this.#limiter.take("process_handshakes", "") === 0) return null;
    const perSecond = this.#limiter.rateOf("process_handshakes").perMinute / 60;
    const text = `Too many connect at once: this server opens ${perSecond} connections a second. Try again after retry_after_ms.`;
    return reject("overloaded", text, { retryAfterMs: this.#pauses.next() });
  }
}

const shortestPauseMs = 1_000;

const late = reject(
  "overloaded",
  "The server has more to do than it can at present. Nothing was changed; try again after retry_after_ms.",
  { retryAfterMs: shortestPauseMs },
);
