import type { Limiter, Limits } from "../core/ports/limiter.ts";

/** For servers that tests start: they send more than a person does, on machines that pause longer than a server's. */
export const limitsOff: Readonly<Record<string, string>> = {
  LIMIT_USER_MESSAGES_PER_MIN: "0",
  LIMIT_CONVERSATION_MESSAGES_PER_MIN: "0",
  LIMIT_CONNECTION_OPS_PER_MIN: "0",
  LIMIT_CONNECTION_JOINS_PER_MIN: "0",
  LIMIT_USER_REQUESTS_AT_ONCE: "0",
  LIMIT_HANDSHAKES_PER_MIN_PER_IP: "0",
  LIMIT_HANDSHAKES_PER_MIN_PER_USER: "0",
  LIMIT_HANDSHAKES_PER_SEC: "0",
  LIMIT_SOCKETS_PER_USER: "0",
  LIMIT_CONNECTION_HEARTBEATS_PER_MIN: "0",
  LIMIT_CONNECTION_FRAMES_PER_MIN: "0",
  LIMIT_USER_FRAMES_PER_MIN: "0",
  WHISPR_MAX_LOOP_LATENESS: "0",
};

const off = { perMinute: 0, burst: 1 };

export const noLimits: Limits = {
  user_messages: off,
  conversation_messages: off,
  connection_operations: off,
  connection_typing: off,
  connection_reads: off,
  connection_joins: off,
  user_frames: off,
  user_handshakes: off,
  address_failures: off,
  process_handshakes: off,
};

export const unlimitedRequests = { maxAtOnce: 1_000, maxAtOncePerUser: 1_000, maxPerUser: 0 };

/** Allows everything. */
export const unlimited: Limiter = { take: () => 0, giveBack() {}, rateOf: () => off };
