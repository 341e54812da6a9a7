import type { Person } from "./stock-client.ts";
import type { Destination } from "./web-socket.ts";

/** What the bench tells a process of clients. Instants are milliseconds since 1970, with fractions: all processes are of one machine. */
export type ToClients =
  /** Connects at most `perSecond` of them a second, the first time; thereafter each returns as its own timers say. */
  | {
      readonly type: "start";
      readonly to: Destination;
      readonly people: readonly Person[];
      readonly perSecond: number;
      /** Messages a second of all of them together, into their second topic; 0: none. */
      readonly messagesPerSecond: number;
    }
  /** Counts from here on. */
  | { readonly type: "reset" }
  /** The network of all of them goes away and is back at once. */
  | { readonly type: "cut" }
  | { readonly type: "report" };

export type FromClients =
  | { readonly type: "all_returned" }
  | { readonly type: "report"; readonly report: ClientReport };

/** Since the last reset. */
export interface ClientReport {
  /** When each client had joined all of its topics again, in order. */
  readonly returnedAtMs: readonly number[];
  readonly refusedHandshakes: Readonly<Record<string, number>>;
  /** `retry-after` of those, in seconds, and how often. */
  readonly retryAfter: Readonly<Record<string, number>>;
  readonly failedConnections: number;
  readonly refusedJoins: Readonly<Record<string, number>>;
  readonly timedOutJoins: number;
  readonly sent: readonly SentMessage[];
}

/** [when it was sent, how long until its answer, how long until the other member had it]; null: not yet, or lost with its connection. */
export type SentMessage = readonly [
  sentAtMs: number,
  acknowledgedAfterMs: number | null,
  deliveredAfterMs: number | null,
];
