import type { Frame, PubSub } from "../core/ports/pubsub.ts";

/** Within one process: the listener is called at once, so the order is the order of publication. */
export class LocalPubSub implements PubSub {
  readonly #onError: (error: unknown) => void;
  #listener: (frame: Frame) => void = () => {};

  constructor(options: { readonly onError: (error: unknown) => void }) {
    this.#onError = options.onError;
  }

  publish(frame: Frame): void {
    try {
      this.#listener(frame);
    } catch (error) {
      this.#onError(error);
    }
  }

  subscribe(listener: (frame: Frame) => void): void {
    this.#listener = listener;
  }
}
