/**
 * Questions that arrive while no read is in flight, or while one is, share the next one: a storm of questions costs a few reads.
 * An answer always comes from a read that began after its question was asked.
 */
export class Gather<Question, Answer> {
  readonly #read: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  readonly #maxQuestions: number;
  readonly #maxWaiting: number;
  readonly #weigh: (question: Question) => number;
  readonly #maxWeight: number;
  #waiting: Waiting<Question, Answer>[] = [];
  #reading = false;

  constructor(options: {
    /** Answers in the order of the questions. */
    readonly read: (questions: readonly Question[]) => Promise<readonly Answer[]>;
    /** The most questions of one read. */
    readonly maxQuestions: number;
    /** What a question may bring, in rows, and the most that one read may; a question heavier than that is read alone. */
    readonly weigh?: (question: Question) => number;
    readonly maxWeight?: number;
    /** The most questions that wait; one more is refused by `ask` with null. */
    readonly maxWaiting: number;
  }) {
    this.#read = options.read;
    this.#maxQuestions = options.maxQuestions;
    this.#maxWaiting = options.maxWaiting;
    this.#weigh = options.weigh ?? (() => 0);
    this.#maxWeight = options.maxWeight ?? 0;
  }

  /** Null: too many are waiting. Rejects when the read fails. */
  ask(question: Question): Promise<Answer | null> {
    if (this.#waiting.length >= this.#maxWaiting) return Promise.resolve(null);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ question, resolve, reject });
    if (!this.#reading) void this.#run();
    return promise;
  }

  /** Starts a tick late, so that what arrives in one tick shares a read. */
  async #run(): Promise<void> {
    this.#reading = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#readOnce(this.#waiting.splice(0, this.#nextCount()));
    this.#reading = false;
  }

  #nextCount(): number {
    const most = Math.min(this.#waiting.length, this.#maxQuestions);
    let weight = this.#weigh(this.#waiting[0]!.question);
    let count = 1;
    while (count < most) {
      weight += this.#weigh(this.#waiting[count]!.question);
      if (weight > this.#maxWeight) break;
      count++;
    }
    return count;
  }

  async #readOnce(asked: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.#read(asked.map((each) => each.question));
      asked.forEach((each, index) => {
        each.resolve(answers[index]!);
      });
    } catch (error) {
      for (const each of asked) each.reject(error);
    }
  }
}

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}
