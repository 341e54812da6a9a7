/** For how many of a sender's commands the store is asked first. */
const suspectCommands = 1_000;

/**
 * Senders of one conversation of whom the store knew a key that this memory had forgotten: it is asked about their next keys
 * before they are decided. A client that repeats old sends costs look-ups to its own conversation, and failed batches to nobody.
 */
export class SuspectKeys {
  readonly #left = new Map<string, number>();

  suspect(senderId: string): void {
    this.#left.set(senderId, suspectCommands);
  }

  has(senderId: string): boolean {
    return this.#left.size > 0 && this.#left.has(senderId);
  }

  /** One more of this sender's keys was looked up. */
  useUp(senderId: string): void {
    const left = this.#left.get(senderId) ?? 0;
    if (left > 1) this.#left.set(senderId, left - 1);
    else this.#left.delete(senderId);
  }
}
