/**
 * A socket on its way in: from its admission until its first joins are answered. It ends once, whatever ends it first: the answer of the last of the
 * joins that came together, the end of its handshake or socket, or the time in which it should have joined.
 */
export class Arrival {
  /** Until when it may join for the first time. Monotonic milliseconds. */
  readonly untilMs: number;
  readonly #ended: (arrival: Arrival) => void;
  #joins = 0;
  #isOver = false;

  constructor(options: { readonly untilMs: number; readonly ended: (arrival: Arrival) => void }) {
    this.untilMs = options.untilMs;
    this.#ended = options.ended;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Joins of it have no answer yet. */
  get isJoining(): boolean {
    return this.#joins > 0;
  }

  /** A join began. */
  joining(): void {
    this.#joins++;
  }

  /** A join has its answer. */
  joined(): void {
    if (--this.#joins === 0) this.end();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended(this);
  }
}
