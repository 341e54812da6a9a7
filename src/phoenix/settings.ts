/** Bounds of one endpoint. Each has a named end: what happens at the bound is said beside it. */
export interface PhoenixSettings {
  /** Larger frames close their socket with 1009 (by the WebSocket layer). */
  readonly maxFrameBytes: number;
  /** A further join is answered `{reason: "too_many_topics"}`. */
  readonly maxTopicsPerSocket: number;
  /** `Channel.join` calls under way for one socket, abandoned ones included; a further join is answered `overloaded`. */
  readonly maxPendingJoins: number;
  /** Broadcasts held for one join in flight; one more closes the socket with 1013. Their size is bounded by `sendBufferBytes`. */
  readonly maxHeldBroadcasts: number;
  /** Pushes and repeated joins that wait for one join in flight; one more is answered `overloaded`. */
  readonly maxHeldPushes: number;
  /** Bytes that may wait for a slow reader; past it the socket is closed (the client sees 1006). */
  readonly sendBufferBytes: number;
  /** A socket that sent no frame for this long is closed with 1001, at most `sweepEveryMs` late, never early. */
  readonly idleTimeoutMs: number;
  readonly sweepEveryMs: number;
}

export const phoenixDefaults: PhoenixSettings = {
  maxFrameBytes: 512 * 1024,
  maxTopicsPerSocket: 2_000,
  maxPendingJoins: 4_000,
  maxHeldBroadcasts: 1_000,
  maxHeldPushes: 64,
  sendBufferBytes: 1024 * 1024,
  idleTimeoutMs: 90_000,
  sweepEveryMs: 5_000,
};
