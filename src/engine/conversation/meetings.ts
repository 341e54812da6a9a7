/**
 * Commands under way that look up the blocks between two users and then make one of them a member. A block counts as applied when the
 * commands that may have looked before it was stored have ended, so that none of them adds anybody after that.
 */
export class Meetings {
  readonly #underWay = new Set<Promise<void>>();

  /** Begins one. Returns the function that ends it, to be called once. */
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
