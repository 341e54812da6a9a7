/**
 * Commands under way that look up what stands between two users and make one of them a member. A block counts as applied when those that
 * may have looked before it have ended: after that, nobody is added in spite of it.
 */
export class Meetings {
  readonly #underWay = new Set<Promise<void>>();

  /** Returns what ends it, to be called once. */
  begin(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.add(promise);
    return () => {
      this.#underWay.delete(promise);
      resolve();
    };
  }

  /** Resolves when all that are under way at this call have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
