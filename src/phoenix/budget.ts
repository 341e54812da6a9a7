/** Bounds what one socket keeps waiting for its joins and backfills in flight. All that is taken is given back exactly once. */
import type { PhoenixSettings } from "./settings.ts";

export class Budget {
  readonly #settings: PhoenixSettings;
  /** Joins and backfills. */
  #underWay = 0;
  #waitingBytes = 0;
  #heldBytes = 0;

  constructor(settings: PhoenixSettings) {
    this.#settings = settings;
  }

  /** Nothing waits: also the proof that everything taken was given back. */
  get untouched(): boolean {
    return this.#underWay === 0 && this.#waitingBytes === 0 && this.#heldBytes === 0;
  }

  /** Counts abandoned ones too: a client that joins and leaves in a loop starts no unbounded work. */
  allowsJoin(bytes: number): boolean {
    return this.#underWay < this.#settings.maxPendingJoins && this.allowsWaiting(bytes);
  }

  joinStarted(bytes: number): void {
    this.#underWay += 1;
    this.#waitingBytes += bytes;
  }

  joinSettled(bytes: number): void {
    this.#underWay -= 1;
    this.#waitingBytes -= bytes;
  }

  /** The place of the join that was accepted with it: never refused. */
  backfillStarted(): void {
    this.#underWay += 1;
  }

  backfillEnded(): void {
    this.#underWay -= 1;
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

  resolveWaiters(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}
