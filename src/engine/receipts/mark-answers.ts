import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Rejection } from "../../core/rejection.ts";
import { markUnknown } from "../refusals.ts";

/** Called once: null when the mark is durable, with how many messages of others were read with it. */
export type MarkAnswer = (refusal: Rejection | null, newlyRead?: number) => void;

/** The most who wait for the marks of one lane. */
const maxWaiting = 100_000;
/** How long an answer may take while the store is away. Milliseconds. */
const longestWaitMs = 10_000;

/** Answers somebody who waits for a mark, once: what comes after the first answer is ignored. Never throws. */
export interface WaitingAnswer extends MarkAnswer {
  isGiven: boolean;
  readonly untilMs: number;
}

/** Those who wait for marks to become durable: bounded in number and in time, each answered once. */
export class MarkAnswers {
  readonly #clock: Clock;
  readonly #observer: Observer;
  /** In the order of their deadlines, from `#first` on. Those that are answered leave with the first one that is not. */
  #waiting: WaitingAnswer[] = [];
  #first = 0;
  #live = 0;
  #isTiming = false;

  constructor(options: { readonly clock: Clock; readonly observer: Observer }) {
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** Null: too many wait. */
  add(answer: MarkAnswer): WaitingAnswer | null {
    if (this.#live >= maxWaiting) return null;
    const give: MarkAnswer = (refusal, newlyRead) => this.#give(waiting, () => answer(refusal, newlyRead));
    const untilMs = this.#clock.monotonicMs() + longestWaitMs;
    const waiting: WaitingAnswer = Object.assign(give, { isGiven: false, untilMs });
    this.#live++;
    this.#dropAnswered();
    this.#waiting.push(waiting);
    this.#time();
    return waiting;
  }

  #give(waiting: WaitingAnswer, answer: () => void): void {
    if (waiting.isGiven) return;
    waiting.isGiven = true;
    this.#live--;
    try {
      answer();
    } catch (error) {
      this.#observer.bug("answering a mark", error);
    }
  }

  #dropAnswered(): void {
    while (this.#waiting[this.#first]?.isGiven) this.#first++;
    if (this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }

  #time(): void {
    const next = this.#waiting[this.#first];
    if (this.#isTiming || !next) return;
    this.#isTiming = true;
    this.#clock.after(Math.max(1, next.untilMs - this.#clock.monotonicMs()), () => {
      this.#isTiming = false;
      this.#expire(this.#clock.monotonicMs());
      this.#time();
    });
  }

  #expire(nowMs: number): void {
    for (let at = this.#first; at < this.#waiting.length; at++) {
      const waiting = this.#waiting[at]!;
      if (waiting.untilMs > nowMs) break;
      waiting(markUnknown);
    }
    this.#dropAnswered();
  }
}
