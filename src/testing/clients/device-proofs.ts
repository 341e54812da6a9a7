/** What the server is known to know that a device has: the pongs that it has read since. */
export class DeviceProofs {
  /** What came since the last pong, and what that pong was for. */
  #unproved: string[] = [];
  #ponged: string[] = [];
  /** The server of this socket was killed: whatever is still read from it, no pong will arrive. */
  #isOrphaned = false;
  readonly #proved = new Set<string>();

  get isComplete(): boolean {
    return this.#unproved.length === 0;
  }

  has(key: string): boolean {
    return this.#proved.has(key);
  }

  received(key: string): void {
    this.#unproved.push(key);
  }

  /** A new socket proves nothing of what the last one brought. */
  opened(): void {
    this.#isOrphaned = false;
    this.#unproved = [];
    this.#ponged = [];
  }

  /** There is one ping at a time: the next one tells that the last pong has arrived. So does a close in good order. */
  sentPong(): void {
    this.prove();
    this.#ponged = this.#unproved;
    this.#unproved = [];
  }

  prove(): void {
    if (!this.#isOrphaned) for (const key of this.#ponged) this.#proved.add(key);
    this.#ponged = [];
  }

  /** The last pong may be lost with its connection. */
  cut(): void {
    this.#ponged = [];
  }

  /** The server that was told is gone. A frozen device may find that out later. */
  serverKilled(): void {
    this.forget();
    this.#isOrphaned = true;
  }

  forget(): void {
    this.#proved.clear();
    this.#ponged = [];
    this.#unproved = [];
  }
}
