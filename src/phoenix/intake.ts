/** Bounds what one socket may send: counted by the size of its frames, before anything of them is read. */
import { costOf, costOfValues, FrameBudget } from "./frame-budget.ts";

/** Why a socket is closed. `frames`: it sent too many; `identity`: all its identity's sockets together; `refused`: too many that are of no use. */
export type FloodReason = "frames" | "identity" | "refused";

/**
 * Frames that an identity's sockets use up together are taken in lots of this cost, so that most frames ask nobody. False: nothing is
 * left for now. Called on the hot path: must be cheap, and must not throw.
 */
export type TakeLot<Identity> = (identity: Identity) => boolean;
export const frameLot = 100;

export class Intake<Identity> {
  readonly #identity: Identity;
  readonly #frames: FrameBudget;
  readonly #refused: FrameBudget;
  readonly #takeLot: TakeLot<Identity>;
  /** Of the last lot. */
  #left = 0;

  constructor(options: {
    readonly identity: Identity;
    readonly clock: { now(): number };
    readonly framesPerMin: number;
    readonly uselessPerMin: number;
    readonly takeLot?: TakeLot<Identity> | undefined;
  }) {
    const { identity, clock, framesPerMin, uselessPerMin, takeLot = () => true } = options;
    this.#identity = identity;
    this.#frames = new FrameBudget({ clock, perMinute: framesPerMin });
    this.#refused = new FrameBudget({ clock, perMinute: uselessPerMin });
    this.#takeLot = takeLot;
  }

  /** Counts a frame of this size, in characters or bytes. Null: it may be read. */
  frame(size: number): FloodReason | null {
    return this.#take(costOf(size));
  }

  /** Counts the values of a frame besides its size. Null: it may be parsed. */
  values(count: number): FloodReason | null {
    return this.#take(costOfValues(count));
  }

  #take(cost: number): FloodReason | null {
    if (!this.#frames.take(cost)) return "frames";
    this.#left -= cost;
    while (this.#left < 0) {
      if (!this.#takeLot(this.#identity)) return "identity";
      this.#left += frameLot;
    }
    return null;
  }

  /** Counts a frame that no gate counts: a heartbeat, a ping, a leave of what is not joined, what was refused unread. */
  useless(size: number): FloodReason | null {
    return this.#refused.take(costOf(size)) ? null : "refused";
  }
}
