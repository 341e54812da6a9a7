/** A join in flight and all that waits for it. What it keeps is taken from the socket's budget until `end`. */
import type { Budget } from "./budget.ts";
import type { Frame } from "./codec.ts";

export interface Held {
  readonly frame: string;
  readonly position: number | undefined;
}

export class PendingJoin {
  /** The joins that its outcome answers, oldest first. */
  readonly asked: Frame[] = [];
  /** Pushes pipelined behind them. */
  readonly pushes: Frame[] = [];
  held: Held[] = [];
  readonly #budget: Budget;
  readonly #maxFrames: number;
  readonly #maxHeld: number;
  #waitingBytes = 0;
  #heldBytes = 0;

  constructor(
    budget: Budget,
    bounds: { readonly maxWaitingFrames: number; readonly maxHeldBroadcasts: number },
  ) {
    this.#budget = budget;
    this.#maxFrames = bounds.maxWaitingFrames;
    this.#maxHeld = bounds.maxHeldBroadcasts;
  }

  allows(frame: Frame): boolean {
    return this.asked.length + this.pushes.length < this.#maxFrames && this.#budget.allowsWaiting(frame.size);
  }

  keep(frame: Frame, among: Frame[]): void {
    among.push(frame);
    this.#waitingBytes += frame.size;
    this.#budget.wait(frame.size);
  }

  /** False: over the bound, and not kept. */
  hold(frame: string, position: number | undefined): boolean {
    if (this.held.length >= this.#maxHeld || !this.#budget.allowsHeld(frame.length)) return false;
    this.held.push({ frame, position });
    this.#heldBytes += frame.length;
    this.#budget.held(frame.length);
    return true;
  }

  dropHeld(): void {
    this.held = [];
    this.#budget.letGo(this.#heldBytes);
    this.#heldBytes = 0;
  }

  /** Gives the budget back. Once. */
  end(): void {
    this.#budget.waited(this.#waitingBytes);
    this.#budget.letGo(this.#heldBytes);
  }
}
