import type { Failure, SecurityEvent, Warning } from "../incidents.ts";
import type { LimitName } from "../limits/budgets.ts";
import type { Note } from "../notes.ts";
import type { RefusalCode } from "../rejection.ts";

export type Fields = Readonly<Record<string, string | number | boolean>>;

/** What the engine, the web and the stores tell of themselves. Calls are cheap, never throw, never wait. */
export interface Observer {
  /** A command was taken into a mailbox. */
  commandAccepted(): void;
  /** A command's result left, `tookMs` after it came. */
  commandAcknowledged(tookMs: number): void;
  commandDuplicate(): void;
  refused(code: RefusalCode): void;
  /** Something was refused because this limit was reached. */
  rateLimited(limit: LimitName): void;
  /** Fields that `operation` does not know were ignored. The name is the source's, never a client's. */
  unknownFields(operation: string, count: number): void;
  /** Counts a WebSocket handshake: admitted, or the reason for its refusal. */
  handshake(outcome: HandshakeOutcome): void;
  /** A WebSocket frame that is no Phoenix message was dropped. */
  malformedFrame(): void;
  /** A socket was closed because too much waited for it. */
  slowConsumerClosed(): void;
  /** A socket was closed because it sent too much. */
  socketFlooded(reason: FloodReason): void;
  /** `route` is the template of a closed list (`/api/v1/messages/:id`), never the path that was asked for. */
  requestAnswered(answered: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly tookMs: number;
  }): void;
  /** A client closed its connection before its request was answered. */
  requestAborted(): void;
  /** A batch came back: its rows, and how long the statement took. */
  batchCommitted(rows: number, tookMs: number): void;
  batchFailed(kind: BatchFailure): void;
  /** The store answered `doing`: a read, or the question whether it is there. */
  storeAnswered(doing: "read" | "ping", tookMs: number): void;
  /** The event loop was this late for a timer; regularly, from a loop in time too. */
  loopLate(lateMs: number): void;
  actorLoaded(count: number): void;
  actorPassivated(): void;
  /** A bug: something was thrown that is not a refusal. `where` names the place; the error never holds content. */
  bug(where: string, error: unknown): void;
  /** Something that is no failure and worth a line at `info`, from the table `core/notes.ts`: a take-over, a recovery. At most 50 a second. */
  note(event: Note, fields?: Fields): void;
  /** A failure that an operator must know of, from the table `core/incidents.ts`: a line, at most one per name in 10 s, and a count. */
  warn(event: Warning, fields?: Fields): void;
  error(event: Failure, fields?: Fields): void;
  /**
   * Something for the security log, from the table `core/security-events.ts`: a line, throttled by the field that the table names, and a count.
   * Fields are ids, addresses and texts of the source.
   */
  security(event: SecurityEvent, fields: Fields): void;
  /** Called when figures are collected; the newest source of a name wins. A scrape changes nothing, so that two do not disturb each other. */
  gauge(name: GaugeName, read: () => number): void;
}

export type BatchFailure = "fenced" | "refused" | "again" | "unknown";
/**
 * The result of a WebSocket handshake. `address_limit`, `rate_limit`, `user_limit`, `user_sockets`: a limit that is set. `origin`: a web page
 * that may not connect. `descriptors`: no file descriptor is left. `waiting_full`, `waited_too_long`, `not_serving`: see `Admission`.
 */
export const handshakeOutcomes = [
  "admitted",
  "address_limit",
  "user_limit",
  "origin",
  "rate_limit",
  "user_sockets",
  "descriptors",
  "waiting_full",
  "waited_too_long",
  "not_serving",
  "unauthorized",
  "not_verified",
] as const;
export type HandshakeOutcome = (typeof handshakeOutcomes)[number];

/** What a socket sent too much of: frames, frames together with the others of its user, or frames that were refused or of no use. */
export const floodReasons = ["frames", "user_frames", "refused_frames"] as const;
export type FloodReason = (typeof floodReasons)[number];

export type GaugeName =
  | "handshakes_waiting"
  | "arrivals"
  | "arrivals_limit"
  | "lane_queue_rows"
  | "mailbox_turns"
  | "actors"
  | "sockets"
  | "online_users"
  | "ready"
  | "keys_age_seconds"
  | "store_up"
  | "unread_answer_bytes"
  | "unread_socket_bytes"
  | "unfinished_body_bytes"
  | "disk_free_bytes";
