/** A join in flight and the frames of the client that wait for it. What it keeps is taken from the socket's budget until `end`. */
import type { Budget } from "./budget.ts";
import type { Frame } from "./codec.ts";

export class PendingJoin {
  /** The joins that its outcome answers, oldest first. */
  readonly asked: Frame[] = [];
  /** Pushes pipelined behind them. */
  readonly pushes: Frame[] = [];
  readonly #budget: Budget;
  readonly #maxFrames: number;
  #bytes = 0;

  constructor(budget: Budget, bounds: { readonly maxWaitingFrames: number }) {
    this.#budget = budget;
    this.#maxFrames = bounds.maxWaitingFrames;
  }

  allows(frame: Frame): boolean {
    return this.asked.length + this.pushes.length < this.#maxFrames && this.#budget.allowsWaiting(frame.size);
  }

  keep(frame: Frame, among: Frame[]): void {
    among.push(frame);
    this.#bytes += frame.size;
    this.#budget.wait(frame.size);
  }

  /** Gives the budget back. Once. */
  end(): void {
    this.#budget.waited(this.#bytes);
  }
}
