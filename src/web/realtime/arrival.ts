/**
 * A socket on its way in: from its admission until its first joins are answered. It ends once, by what comes first: the answer to the last of the
 * joins that came together, the end of its handshake or socket, or the end of the time in which it may begin to join.
 */
export class Arrival {
  /** When it was admitted. Monotonic milliseconds. */
  readonly sinceMs: number;
  readonly #ended: (arrival: Arrival) => void;
  #joins = 0;
  #isClosed = false;
  #isOver = false;

  constructor(options: { readonly sinceMs: number; readonly ended: (arrival: Arrival) => void }) {
    this.sinceMs = options.sinceMs;
    this.#ended = options.ended;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** A join that begins now belongs to it. */
  get takesJoins(): boolean {
    return !this.#isClosed && !this.#isOver;
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

  /**
   * Its time to begin joins is over: ends it, or leaves it to the answers of the joins under way. Else a client whose joins overlap would
   * keep its place for as long as it likes.
   */
  close(): void {
    this.#isClosed = true;
    if (!this.isJoining) this.end();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended(this);
  }
}
