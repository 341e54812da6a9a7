import { newId } from "../../system.ts";
import { settled } from "../clock.ts";

/** A store that fails every statement in which the poison is. */
export class PoisonedStore {
  readonly poison = newId();
  readonly #error: () => unknown;

  constructor(error: () => unknown) {
    this.#error = error;
  }

  /** Answers after a turn of the event loop, as a database does. */
  async statement<T>(bound: unknown, answer: () => T): Promise<T> {
    await settled();
    if (this.isIn(bound)) throw this.#error();
    return answer();
  }

  isIn(bound: unknown): boolean {
    return JSON.stringify(bound, withMaps).includes(this.poison);
  }
}

function withMaps(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}
