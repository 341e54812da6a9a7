import type { RefusalCode } from "../rejection.ts";

/** What the engine, the web and the stores tell of themselves. Calls are cheap, never throw, never wait. */
export interface Observer {
  /** A command was taken into a mailbox. */
  commandAccepted(): void;
  /** A command's result left, `tookMs` after it came. */
  commandAcknowledged(tookMs: number): void;
  commandDuplicate(): void;
  refused(code: RefusalCode): void;
  /** Fields that `operation` does not know were ignored. The name is the source's, never a client's. */
  unknownFields(operation: string, count: number): void;
  /** A WebSocket frame that is no Phoenix message was dropped. */
  malformedFrame(): void;
  /** A socket was closed because too much waited for it. */
  slowConsumerClosed(): void;
  /** A batch came back: its rows, and how long the statement took. */
  batchCommitted(rows: number, tookMs: number): void;
  batchFailed(kind: string): void;
  actorLoaded(count: number): void;
  actorPassivated(): void;
  /** A bug: something was thrown that is not a refusal. `where` names the place; the error never holds content. */
  bug(where: string, error: unknown): void;
  /** Worth a line in the log: a take-over, a lost connection, a recovery. */
  note(text: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  /**
   * A failure that an operator must know of. `event` is a stable snake_case name that the source spells out, never built from
   * data. Writes a warn line, at most one per name in 10 s, and always counts it by name.
   */
  warn(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  /** Called when figures are collected; the newest source of a name wins. */
  gauge(name: GaugeName, read: () => number): void;
}

export type GaugeName =
  | "lane_queue_rows"
  | "mailbox_turns"
  | "actors"
  | "sockets"
  | "online_users"
  | "ready"
  | "keys_age_seconds"
  | "loop_lateness_seconds";
