/**
 * Counts the topics that all sockets of one owner are on together. Each takes about 1 kB for as long as its socket stays, however little is
 * sent there.
 */
export class TopicQuota {
  readonly #most: number;
  readonly #counts = new Map<unknown, number>();

  constructor(options: { readonly most: number }) {
    this.#most = options.most;
  }

  hasRoom(owner: unknown): boolean {
    return this.countOf(owner) < this.#most;
  }

  countOf(owner: unknown): number {
    return this.#counts.get(owner) ?? 0;
  }

  joined(owner: unknown): void {
    this.#counts.set(owner, this.countOf(owner) + 1);
  }

  /** Once for each `joined`. */
  left(owner: unknown): void {
    const count = this.countOf(owner) - 1;
    if (count > 0) this.#counts.set(owner, count);
    else this.#counts.delete(owner);
  }
}
