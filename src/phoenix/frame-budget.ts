/** A frame counts once more for each of these: what it costs to read grows with them. */
const sizePerFrame = 1_024;
const valuesPerFrame = 32;

/** Returns the cost of a frame of this size, in characters or bytes. */
export function costOf(size: number): number {
  return 1 + size / sizePerFrame;
}

/** Returns the cost of parsing this number of JSON values. */
export function costOfValues(values: number): number {
  return values / valuesPerFrame;
}

/** Counts frames of one socket by their cost. As many as are allowed in a minute may come at once after a pause. */
export class FrameBudget {
  readonly #clock: { now(): number };
  readonly #perMinute: number;
  #left: number;
  #sinceMs: number;

  /** `perMinute` 0: any number. */
  constructor(options: { readonly clock: { now(): number }; readonly perMinute: number }) {
    this.#clock = options.clock;
    this.#perMinute = options.perMinute;
    this.#left = options.perMinute;
    this.#sinceMs = options.clock.now();
  }

  /** False: there were too many, and the socket should end. */
  take(cost: number): boolean {
    if (this.#perMinute === 0) return true;
    const nowMs = this.#clock.now();
    const refilled = this.#left + ((nowMs - this.#sinceMs) / 60_000) * this.#perMinute;
    this.#sinceMs = nowMs;
    this.#left = Math.min(this.#perMinute, refilled) - cost;
    return this.#left >= 0;
  }
}
