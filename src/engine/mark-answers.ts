import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Rejection } from "../core/rejection.ts";
import { markUnknown } from "./refusals.ts";

/** Called once: null when the mark is durable. */
export type MarkAnswer = (refusal: Rejection | null) => void;

/** The most who wait for the marks of one lane. */
const maxWaiting = 100_000;
/** How long an answer may take while the store is away. Milliseconds. */
const longestWaitMs = 10_000;

/** Somebody who waits for a mark; null once they were answered. */
export interface WaitingAnswer {
  answer: MarkAnswer | null;
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
    const waiting: WaitingAnswer = { answer, untilMs: this.#clock.monotonicMs() + longestWaitMs };
    this.#live++;
    this.#dropAnswered();
    this.#waiting.push(waiting);
    this.#time();
    return waiting;
  }

  answer(waiting: WaitingAnswer, refusal: Rejection | null): void {
    const { answer } = waiting;
    if (!answer) return;
    waiting.answer = null;
    this.#live--;
    try {
      answer(refusal);
    } catch (error) {
      this.#observer.bug("answering a mark", error);
    }
  }

  #dropAnswered(): void {
    while (this.#waiting[this.#first]?.answer === null) this.#first++;
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
      this.answer(waiting, markUnknown);
    }
    this.#dropAnswered();
  }
}
