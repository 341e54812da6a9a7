import type { Clock } from "../../core/ports/clock.ts";
import { type Rejection, reject } from "../../core/rejection.ts";
import { Arrival } from "../realtime/arrival.ts";
import type { RetryPauses } from "./retry-pauses.ts";

export interface AdmissionSettings {
  /** Limit on arrivals in progress: its first value, and the bounds between which it moves. */
  readonly inProgress: { readonly initial: number; readonly min: number; readonly max: number };
  /** Limit on waiting handshakes, and on how long each of them waits. */
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
  /** An arrival that has not begun to join within this time gives up its place. */
  readonly arrivalMs: number;
  /**
   * The same while others wait. Clients that never join must not keep others out: as many as may wait find a place within `maxWaitMs`, when
   * `inProgress.max` give up theirs in this time.
   */
  readonly crowdedArrivalMs: number;
  /** The limit on arrivals rises below the first lag and falls above the second. */
  readonly lagMs: { readonly low: number; readonly high: number };
}

export const admissionDefaults: AdmissionSettings = {
  inProgress: { initial: 128, min: 32, max: 1_024 },
  maxWaiting: 20_000,
  maxWaitMs: 10_000,
  arrivalMs: 2_000,
  crowdedArrivalMs: 500,
  lagMs: { low: 10, high: 30 },
};

/** Why a handshake is refused: too many wait, it waited too long, or this process cannot serve. */
export type AdmissionRefusal = "waiting_full" | "waited_too_long" | "not_serving";

/** Receives the outcomes, for metrics and log. */
export interface AdmissionObserver {
  admitted(waitedMs: number): void;
  refused(reason: AdmissionRefusal, state: AdmissionState): void;
}

export interface AdmissionState {
  readonly waiting: number;
  readonly inProgress: number;
  readonly maxInProgress: number;
  /** How late the last tick was because of this thread's own work. */
  readonly lagMs: number;
}

/** Whether arrivals may begin. `not_yet`: the process is starting and will know in a moment. */
export type Serving = "yes" | "not_yet" | "no";

interface Waiting {
  readonly sinceMs: number;
  readonly settle: (admitted: Arrival | Rejection) => void;
}

/** Too short for people to notice. The lag is how late a tick runs. */
const tickMs = 10;
/** The limit rises by an eighth and falls by a quarter. */
const grow = 1.125;
const shrink = 0.75;
/** After a pause this long, what was learned about the load is out of date. */
const forgetAfterMs = 5_000;

/**
 * Admits handshakes as fast as the server bears it. An **arrival** is in progress from its admission to the answers of its first joins: token, upgrade,
 * reads and replies. Their number is bounded, and the bound follows the lag of the event loop: up while the loop is in time and others wait, down
 * while it is late by its own work. Open sockets are served between the arrivals, and an idle server gives arrivals everything it has.
 *
 * The other handshakes wait in order, without an answer: a refusal costs stock clients a backoff of up to 5 s, a late answer costs them nothing.
 * Only handshakes that would wait too long are refused. Their pause is random, so that they do not come back together, and grows while
 * refusals go on.
 *
 * No handshake starves: each tick admits while there is room, an arrival that does not join gives up its place, and joins have deadlines.
 */
export class Admission {
  readonly #settings: AdmissionSettings;
  readonly #clock: Clock;
  readonly #workedMs: () => number;
  readonly #serving: () => Serving;
  readonly #observer: AdmissionObserver;
  readonly #pauses: Pick<RetryPauses, "next">;
  /** In order of arrival. */
  readonly #waiting = new Set<Waiting>();
  /** In order of admission. */
  readonly #inProgress = new Set<Arrival>();
  #maxInProgress: number;
  #lagMs = 0;
  #dueMs = 0;
  /** Processor time of this thread at the last tick. */
  #workedUntilMs = 0;
  #cancel: (() => void) | null = null;

  constructor(options: {
    readonly clock: Clock;
    /** Processor time of this thread so far. */
    readonly workedMs: () => number;
    readonly serving: () => Serving;
    readonly observer: AdmissionObserver;
    readonly pauses: Pick<RetryPauses, "next">;
    readonly settings?: AdmissionSettings;
  }) {
    this.#settings = options.settings ?? admissionDefaults;
    this.#clock = options.clock;
    this.#workedMs = options.workedMs;
    this.#serving = options.serving;
    this.#observer = options.observer;
    this.#pauses = options.pauses;
    this.#maxInProgress = this.#settings.inProgress.initial;
  }

  get state(): AdmissionState {
    return {
      waiting: this.#waiting.size,
      inProgress: this.#inProgress.size,
      maxInProgress: this.#maxInProgress,
      lagMs: this.#lagMs,
    };
  }

  /** Handshakes wait for their turn. */
  get isCrowded(): boolean {
    return this.#waiting.size > 0;
  }

  /** Returns null while handshakes are served or will be in a moment. */
  refusal(): Rejection | null {
    return this.#serving() === "no" ? this.#refuse("not_serving") : null;
  }

  /** Admits at once, or when it is its turn. Never settles once the signal is aborted while the handshake waits. */
  enter(signal: AbortSignal): Arrival | Rejection | Promise<Arrival | Rejection> {
    const serving = this.#serving();
    if (serving === "no") return this.#refuse("not_serving");
    if (serving === "yes" && this.#waiting.size === 0) {
      this.#expire();
      if (this.#hasRoom) return this.#begin(0);
    }
    if (this.#waiting.size >= this.#settings.maxWaiting) return this.#refuse("waiting_full");
    return this.#wait(signal);
  }

  /** Refuses all that wait. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#refuseAll();
  }

  #wait(signal: AbortSignal): Promise<Arrival | Rejection> {
    const { promise, resolve } = Promise.withResolvers<Arrival | Rejection>();
    const waiting: Waiting = {
      sinceMs: this.#clock.monotonicMs(),
      settle: (outcome) => {
        signal.removeEventListener("abort", leave);
        resolve(outcome);
      },
    };
    const leave = () => void this.#waiting.delete(waiting);
    signal.addEventListener("abort", leave);
    this.#waiting.add(waiting);
    this.#tickSoon();
    return promise;
  }

  get #hasRoom(): boolean {
    return this.#inProgress.size < this.#maxInProgress;
  }

  #begin(waitedMs: number): Arrival {
    const arrival = new Arrival({
      sinceMs: this.#clock.monotonicMs(),
      ended: (ended) => this.#ended(ended),
    });
    this.#inProgress.add(arrival);
    this.#observer.admitted(waitedMs);
    return arrival;
  }

  /** Gives the place to the next handshake at once, unless the loop is late: then the tick decides. */
  #ended(arrival: Arrival): void {
    this.#inProgress.delete(arrival);
    if (this.#waiting.size === 0 || this.#serving() !== "yes") return;
    if (this.#clock.monotonicMs() - this.#dueMs <= this.#settings.lagMs.high) this.#admit(1);
  }

  #expire(): void {
    const { arrivalMs, crowdedArrivalMs } = this.#settings;
    const mayTakeMs = this.isCrowded ? Math.min(arrivalMs, crowdedArrivalMs) : arrivalMs;
    const oldestMs = this.#clock.monotonicMs() - mayTakeMs;
    for (const arrival of this.#inProgress) {
      if (arrival.sinceMs > oldestMs) break;
      // Joins under way count until they are answered: more of them would only wait longer, until clients give up and ask again.
      arrival.close();
    }
  }

  #tickSoon(): void {
    if (this.#cancel) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#dueMs > forgetAfterMs) this.#maxInProgress = this.#settings.inProgress.initial;
    this.#dueMs = nowMs + tickMs;
    this.#workedUntilMs = this.#workedMs();
    this.#cancel = this.#clock.after(tickMs, () => {
      this.#cancel = null;
      this.#tick();
      if (this.#waiting.size > 0) this.#tickSoon();
    });
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#lagMs = this.#ownLagMs(nowMs - this.#dueMs);
    this.#dueMs = nowMs;
    this.#expire();
    this.#refuseLate(nowMs);
    const serving = this.#serving();
    if (serving === "no") return this.#refuseAll();
    if (serving === "not_yet") return;
    this.#adapt();
    this.#admit(Number.POSITIVE_INFINITY);
  }

  /** Returns how late the loop would be with a processor of its own: admitting less does not help against other processes. */
  #ownLagMs(lateMs: number): number {
    const workedMs = this.#workedMs() - this.#workedUntilMs;
    return Math.max(0, Math.min(lateMs, workedMs - tickMs));
  }

  #adapt(): void {
    const { inProgress, lagMs } = this.#settings;
    if (this.#lagMs > lagMs.high) {
      this.#maxInProgress = Math.max(inProgress.min, Math.floor(this.#maxInProgress * shrink));
    } else if (this.#lagMs < lagMs.low && !this.#hasRoom) {
      this.#maxInProgress = Math.min(inProgress.max, Math.ceil(this.#maxInProgress * grow));
    }
  }

  #admit(most: number): void {
    const nowMs = this.#clock.monotonicMs();
    let left = most;
    for (const next of this.#waiting) {
      if (left-- === 0 || !this.#hasRoom) return;
      this.#waiting.delete(next);
      next.settle(this.#begin(nowMs - next.sinceMs));
    }
  }

  #refuseLate(nowMs: number): void {
    for (const next of this.#waiting) {
      if (nowMs - next.sinceMs < this.#settings.maxWaitMs) return;
      this.#refuseWaiting(next, "waited_too_long");
    }
  }

  #refuseAll(): void {
    for (const next of this.#waiting) this.#refuseWaiting(next, "not_serving");
  }

  #refuseWaiting(waiting: Waiting, reason: AdmissionRefusal): void {
    this.#waiting.delete(waiting);
    waiting.settle(this.#refuse(reason));
  }

  #refuse(reason: AdmissionRefusal): Rejection {
    this.#observer.refused(reason, this.state);
    const retryAfterMs = this.#pauses.next();
    if (reason === "not_serving") return reject("unavailable", notServing, { retryAfterMs });
    return reject("overloaded", tooMany, { retryAfterMs });
  }
}

const tooMany =
  "More clients connect at present than this server can admit. Nothing was opened; try again after retry_after_ms.";
const notServing = "This server cannot serve at present; `/ready` says why.";
