/** The broadcasts of a topic that one socket may not hear yet: its join or its backfill is in flight. */
import type { Budget } from "./budget.ts";
import type { Position } from "./channel.ts";

export interface Held {
  readonly frame: string;
  readonly position: Position | undefined;
}

/**
 * Bounded, and never a reason to wait: past the bound everything held is dropped, and so is what follows, until whoever
 * fills the gap begins again. What it keeps is taken from the socket's budget.
 */
export class Hold {
  readonly #budget: Budget;
  readonly #maxHeld: number;
  #held: Held[] = [];
  #bytes = 0;
  #dropping = false;
  #complete = true;

  constructor(budget: Budget, bounds: { readonly maxHeldBroadcasts: number }) {
    this.#budget = budget;
    this.#maxHeld = bounds.maxHeldBroadcasts;
  }

  /** Nothing was dropped since the last `restart`. */
  get isComplete(): boolean {
    return this.#complete;
  }

  keep(frame: string, position: Position | undefined): void {
    if (!this.#allows(frame)) this.drop();
    if (this.#dropping) {
      this.#complete = false;
      return;
    }
    this.#held.push({ frame, position });
    this.#bytes += frame.length;
    this.#budget.held(frame.length);
  }

  #allows(frame: string): boolean {
    return this.#held.length < this.#maxHeld && this.#budget.allowsHeld(frame.length);
  }

  restart(): void {
    this.#forget();
    this.#dropping = false;
    this.#complete = true;
  }

  drop(): void {
    if (this.#held.length > 0) this.#complete = false;
    this.#dropping = true;
    this.#forget();
  }

  /** What is held, in order; gives the budget back. The last call, if it is made. */
  release(): readonly Held[] {
    const held = this.#held;
    this.#forget();
    return held;
  }

  #forget(): void {
    this.#held = [];
    this.#budget.resolveWaiters(this.#bytes);
    this.#bytes = 0;
  }
}
