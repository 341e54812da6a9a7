import { budgets } from "../../core/limits/budgets.ts";
import { Charge, Charges } from "../../core/limits/charge.ts";
import { costs } from "../../core/limits/costs.ts";
import type { Limiter, Limits, Rate } from "../../core/ports/limiter.ts";

/**
 * For servers that tests start: they send more than a person does, on machines that pause longer than a server's. Limits that are not
 * named here are off with the one that they refine: see `docs/limits.md`.
 */
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

const off: Rate = { perMinute: 0, burst: 1 };

export const noLimits = Object.fromEntries(
  Object.keys(budgets).map((name) => [name, off]),
) as unknown as Limits;

export const unlimitedRequests = { maxAtOnce: 1_000, maxAtOncePerUser: 1_000, maxPerUser: 0 };

/** Allows everything. */
export const unlimited: Limiter = { take: () => 0, charge() {}, giveBack() {}, rateOf: () => off };

/** The charge of an operation that costs nobody anything. */
export function freeCharge(): Charge {
  const charges = new Charges({ limiter: unlimited, observer: { rateLimited() {} } });
  return new Charge({ charges, costs: costs.message, userId: "anybody", connectionKey: null });
}
