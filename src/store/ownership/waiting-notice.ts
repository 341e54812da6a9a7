import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";

/** Between two log lines about the same reason to wait. */
const sayAgainMs = 60_000;

/** Logs why this process does not own: at once when the reason is a new one, and seldom while it stays. */
export class WaitingNotice {
  readonly #clock: Clock;
  readonly #observer: Observer;
  #reason = "";
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly clock: Clock; readonly observer: Observer }) {
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  waits(reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (reason === this.#reason && nowMs - this.#saidMs < sayAgainMs) return;
    this.#reason = reason;
    this.#saidMs = nowMs;
    this.#observer.warn("ownership_waiting", { reason: `waits for ${reason}` });
  }

  /** The process owns: the next reason is a new one. */
  ended(): void {
    this.#reason = "";
    this.#saidMs = Number.NEGATIVE_INFINITY;
  }
}
