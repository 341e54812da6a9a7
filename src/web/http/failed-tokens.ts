import type { Charges } from "../../core/limits/charge.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Rejection } from "../../core/rejection.ts";
import { FairTurns } from "../../engine/reads/fair-turns.ts";

/** Tokens of suspect addresses that are verified at once: of all addresses together, and of one. */
const suspectsAtOnce = { maxAtOnce: 4, maxAtOncePerUser: 2 };
/** The most tokens of one address that are verified or wait, 0.1 s of work. Beyond it `rate_limited`. */
const maxPerSuspect = 1_000;
/** The most suspects remembered; beyond it the longest known is forgotten. */
const maxSuspects = 10_000;

/**
 * Counts tokens that were not signed by a key of ours, by the address that sent them. An address with too many is suspect: what it sends
 * is verified few at a time, in turn with other suspects, so that guessing costs the others nothing. Good tokens still get in from there:
 * thousands of users may share the address with an attacker.
 */
export class FailedTokens {
  readonly #charges: Pick<Charges, "take">;
  readonly #clock: Clock;
  readonly #turns: FairTurns;
  /** When each suspect ceases to be one, in monotonic milliseconds. */
  readonly #suspects = new Map<string, number>();

  constructor(options: { readonly charges: Pick<Charges, "take">; readonly clock: Clock }) {
    this.#charges = options.charges;
    this.#clock = options.clock;
    this.#turns = new FairTurns({
      settings: { ...suspectsAtOnce, maxPerUser: maxPerSuspect },
      clock: options.clock,
    });
  }

  /** Runs `verify` at once, or when it is the turn of a suspect address. Calls `address` only while there are suspects. */
  run<T>(address: () => string, verify: () => Promise<T>): Promise<T | Rejection> {
    if (this.#suspects.size === 0) return verify();
    const from = address();
    return this.#isSuspect(from) ? this.#turns.run(from, verify) : verify();
  }

  /** Counts a token that was not signed by a key of ours. Null: within the limit. */
  failed(address: string): Rejection | null {
    const refusal = this.#charges.take([{ limit: "address_failures", key: address, cost: 1 }]);
    if (refusal) this.#suspect(address, this.#clock.monotonicMs() + (refusal.retryAfterMs ?? 0));
    return refusal;
  }

  #isSuspect(address: string): boolean {
    const untilMs = this.#suspects.get(address);
    if (untilMs === undefined) return false;
    if (untilMs > this.#clock.monotonicMs()) return true;
    this.#suspects.delete(address);
    return false;
  }

  #suspect(address: string, untilMs: number): void {
    this.#suspects.delete(address);
    this.#suspects.set(address, untilMs);
    if (this.#suspects.size <= maxSuspects) return;
    const [longest] = this.#suspects.keys();
    this.#suspects.delete(longest!);
  }
}
