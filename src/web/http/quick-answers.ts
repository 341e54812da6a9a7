/**
 * The most requests that are answered in the turn of the event loop in which they came, 20 µs each, before connections are closed for it.
 * Clients that wait for their answers bring one in a turn.
 */
const mostInTurn = 64;

/**
 * Bounds what one connection gets done in one turn of the event loop. A request that waits for anything (the verification of a token, the
 * database) ends its turn; those that need nothing, like refusals without a token, probes and preflights, do not, and thousands of them
 * may be written into one connection without waiting for an answer. All of them would be answered before anybody else is served. From a
 * number in a turn on, an answer closes its connection, and what follows there is not read.
 */
export class QuickAnswers {
  #turn = 0;
  #answered = 0;
  #isTimed = false;

  /** The present turn. Call it when a request comes. */
  begin(): number {
    if (!this.#isTimed) {
      this.#isTimed = true;
      setImmediate(this.#next);
    }
    return this.#turn;
  }

  /** Counts an answer to a request that came in this turn. True: close its connection. */
  closes(begun: number): boolean {
    return begun === this.#turn && ++this.#answered > mostInTurn;
  }

  readonly #next = (): void => {
    this.#isTimed = false;
    this.#turn++;
    this.#answered = 0;
  };
}
