/** The most topics that frames are sent to in one turn of the event loop: some 50 ms of a busy machine. */
const topicsInTurn = 4_000;
/** Frames of less are not counted while nothing waits. */
const smallFrame = 50;
/** All that waits is sent within this number of turns, no matter how much it is. */
const longestWaitTurns = 50;

interface Job {
  readonly conversationId: string;
  readonly topics: number;
  readonly send: () => void;
}

/**
 * Spreads what goes to many topics over turns of the event loop, in order within each conversation. What waits is bounded by what
 * comes in: the more it is, the more goes in each turn, and a loop that is late takes on nothing new.
 */
export class FanOut {
  readonly #failed: (error: unknown) => void;
  #jobs: Job[] = [];
  /** The number of jobs that wait, by conversation. */
  readonly #waiting = new Map<string, number>();
  /** Topics that jobs wait for. */
  #topics = 0;
  /** Topics of this turn. */
  #spent = 0;
  #isTimed = false;

  constructor(options: { readonly failed: (error: unknown) => void }) {
    this.#failed = options.failed;
  }

  /** Whether a frame for so many topics goes at once; it is counted then. Else call `wait`. */
  takes(conversationId: string, topics: number): boolean {
    if (this.#waiting.has(conversationId)) return false;
    if (topics < smallFrame) return true;
    if (this.#jobs.length > 0 || this.#spent >= topicsInTurn) return false;
    this.#spent += topics;
    this.#nextTurn();
    return true;
  }

  /** Sends in a later turn, after what waits already. */
  wait(job: Job): void {
    this.#jobs.push(job);
    this.#topics += job.topics;
    this.#waiting.set(job.conversationId, (this.#waiting.get(job.conversationId) ?? 0) + 1);
    this.#nextTurn();
  }

  /** Drops what waits. */
  clear(): void {
    this.#jobs = [];
    this.#waiting.clear();
    this.#topics = 0;
  }

  #nextTurn(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isTimed = false;
    this.#spent = 0;
    const most = Math.max(topicsInTurn, this.#topics / longestWaitTurns);
    while (this.#spent < most && this.#jobs.length > 0) this.#send(this.#jobs.shift()!);
    if (this.#jobs.length > 0) this.#nextTurn();
  };

  #send({ conversationId, topics, send }: Job): void {
    this.#spent += topics;
    this.#topics -= topics;
    const others = this.#waiting.get(conversationId)! - 1;
    if (others > 0) this.#waiting.set(conversationId, others);
    else this.#waiting.delete(conversationId);
    try {
      send();
    } catch (error) {
      this.#failed(error);
    }
  }
}
