/** Bounds of one endpoint. Each has a named end: what happens at the bound is said beside it. */
export interface PhoenixSettings {
  /** A larger frame is answered `payload_too_large`, unread, as is one that is larger than its event may be; one of more than four times this closes its socket with 1009. */
  readonly maxFrameBytes: number;
  /** A further join is answered `{reason: "too_many_topics"}`. */
  readonly maxTopicsPerSocket: number;
  /** The same, of all sockets of one owner together. */
  readonly maxTopicsPerOwner: number;
  /** `Channel.join` calls and backfills under way for one socket, abandoned ones included; a further join is answered `overloaded`. */
  readonly maxPendingJoins: number;
  /** Size of the frames of one socket (joins, and pushes behind them) that wait for joins in flight; one more is answered `overloaded`. */
  readonly maxWaitingBytes: number;
  /** The same, counted for one topic. */
  readonly maxWaitingFrames: number;
  /**
   * Broadcasts held for one join or backfill in flight (and `sendBufferBytes` for all of a socket); one more and all are
   * dropped: the backfill must read again, and a join that is accepted without one closes its socket with 1013.
   */
  readonly maxHeldBroadcasts: number;
  /** Bytes that may wait for a slow reader; past it the socket is closed (the client sees 1006). */
  readonly sendBufferBytes: number;
  /** Bytes that may wait for slow readers in all sockets together; past it the fullest sockets of the user who holds most are closed (1006). */
  readonly maxHeldBytes: number;
  /** A socket that sent no frame for this long is closed with 1001, at most `sweepEveryMs` late, never early. */
  readonly idleTimeoutMs: number;
  readonly sweepEveryMs: number;
  /**
   * All frames of one socket, counted before they are read, each once more for every KiB; beyond it the socket is closed with 1013. 0: any
   * number.
   */
  readonly framesPerMin: number;
  /**
   * Heartbeats, pings, leaves of what is not joined, malformed frames and frames refused unread, of one socket, counted in the same way.
   * 0: any number.
   */
  readonly heartbeatsPerMin: number;
  /** Of one socket, and only while proof is asked of it (`Joining.prove`). */
  readonly pingEveryMs: number;
}

export const phoenixDefaults: PhoenixSettings = {
  maxFrameBytes: 512 * 1024,
  maxTopicsPerSocket: 2_000,
  maxTopicsPerOwner: 20_000,
  maxPendingJoins: 4_000,
  maxWaitingBytes: 1024 * 1024,
  maxWaitingFrames: 64,
  maxHeldBroadcasts: 1_000,
  sendBufferBytes: 1024 * 1024,
  maxHeldBytes: 128 * 1024 * 1024,
  idleTimeoutMs: 90_000,
  sweepEveryMs: 5_000,
  framesPerMin: 15_000,
  heartbeatsPerMin: 1_000,
  pingEveryMs: 2_000,
};
