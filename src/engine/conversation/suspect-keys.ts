/** The number of a sender's commands before which the store is asked. */
const suspectCommands = 1_000;

/**
 * Senders of one conversation of whom the store knew a key that memory had forgotten. The store is asked about their next keys before their
 * commands are decided. So a client that repeats old sends costs its own conversation look-ups, and no other a failed batch.
 */
export class SuspectKeys {
  readonly #left = new Map<string, number>();

  suspect(senderId: string): void {
    this.#left.set(senderId, suspectCommands);
  }

  has(senderId: string): boolean {
    return this.#left.size > 0 && this.#left.has(senderId);
  }

  /** Counts one more look-up of a key of this sender. */
  useUp(senderId: string): void {
    const left = this.#left.get(senderId) ?? 0;
    if (left > 1) this.#left.set(senderId, left - 1);
    else this.#left.delete(senderId);
  }
}
