import type { Frame, PubSub, Subscription } from "../core/ports/pubsub.ts";

/** There are no other nodes: what is published here is all there is. */
const nothingToAsk: Subscription = { confirmed: null, release() {} };

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

  listen(listener: (frame: Frame) => void): void {
    this.#listener = listener;
  }

  subscribe(): Subscription {
    return nothingToAsk;
  }
}
