/** What one socket may keep waiting for its joins in flight. Whatever is taken is given back exactly once. */
import type { PhoenixSettings } from "./settings.ts";

export class Budget {
  readonly #settings: PhoenixSettings;
  #joins = 0;
  #waitingBytes = 0;
  #heldBytes = 0;

  constructor(settings: PhoenixSettings) {
    this.#settings = settings;
  }

  /** Nothing waits: also the proof that everything taken was given back. */
  get untouched(): boolean {
    return this.#joins === 0 && this.#waitingBytes === 0 && this.#heldBytes === 0;
  }

  /** Counts abandoned joins too: a client that joins and leaves in a loop starts no unbounded work. */
  allowsJoin(bytes: number): boolean {
    return this.#joins < this.#settings.maxPendingJoins && this.allowsWaiting(bytes);
  }

  joinStarted(bytes: number): void {
    this.#joins += 1;
    this.#waitingBytes += bytes;
  }

  joinSettled(bytes: number): void {
    this.#joins -= 1;
    this.#waitingBytes -= bytes;
  }

  allowsWaiting(bytes: number): boolean {
    return this.#waitingBytes + bytes <= this.#settings.maxWaitingBytes;
  }

  wait(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  waited(bytes: number): void {
    this.#waitingBytes -= bytes;
  }

  /** Held broadcasts go out on this socket in one piece, so they may not outgrow what it may have unread. */
  allowsHeld(bytes: number): boolean {
    return this.#heldBytes + bytes <= this.#settings.sendBufferBytes;
  }

  held(bytes: number): void {
    this.#heldBytes += bytes;
  }

  letGo(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}
