import type { Unread } from "./frame-reader.ts";
import type { FloodReason } from "./intake.ts";

/** Where something of ours was thrown: in what a channel gave us to call, or around it. */
export type FailedIn =
  | "gate"
  | "join"
  | "covers"
  | "sent"
  | "accepted"
  | "backfill"
  | "receive"
  | "ended"
  | "left"
  | "proof"
  | "socket";

/** Hears of events in the library, for logs and counters. Called on the hot path: must be cheap. What it throws is ignored. */
export interface SocketsObserver<Identity = unknown> {
  opened(identity: Identity): void;
  /** `code` as the WebSocket layer reports it: 1006 also for frames too large and for slow readers. */
  closed(code: number, identity: Identity): void;
  /** A frame that is no Phoenix message was refused. */
  malformed(): void;
  /** A frame was refused without being parsed: larger than its event may be, or with more values than any payload has. */
  unread(problem: Unread["problem"]): void;
  /** A socket is being closed because it sent too many frames, or too many that are of no use. */
  flooded(reason: FloodReason, identity: Identity): void;
  /**
   * A socket is being closed because it does not read fast enough what it is sent (`send`), because more was broadcast during its join or
   * backfill than could be held for it (`held`), or because all sockets together have too much unread and its user the most (`total`).
   * Once for each socket.
   */
  overrun(where: "send" | "held" | "total", identity: Identity): void;
  /** A bug in a channel; the client was answered `internal` where it could be. */
  failed(where: FailedIn, topic: string, error: unknown): void;
}

export const silentObserver: SocketsObserver = {
  opened() {},
  closed() {},
  malformed() {},
  unread() {},
  flooded() {},
  overrun() {},
  failed() {},
};
