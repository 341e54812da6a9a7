import type { Frame, PubSub, Subscription, TopicKind } from "../../core/ports/pubsub.ts";

/** A bus whose frames a test can hold up or lose. */
export class HeldBus implements PubSub {
  readonly #bus: PubSub;
  #held: Frame[] | null = null;

  constructor(bus: PubSub) {
    this.#bus = bus;
  }

  publish(frame: Frame): void {
    if (this.#held) this.#held.push(frame);
    else this.#bus.publish(frame);
  }

  listen(listener: (frame: Frame) => void): void {
    this.#bus.listen(listener);
  }

  subscribe(kind: TopicKind, id: string): Subscription {
    return this.#bus.subscribe(kind, id);
  }

  /** From now on frames are on their way, until `release` or `lose`. */
  hold(): void {
    this.#held = [];
  }

  /** Lets the held frames arrive, in their order. */
  release(): void {
    for (const frame of this.#end()) this.#bus.publish(frame);
  }

  /** The held frames never arrive. */
  lose(): void {
    this.#end();
  }

  #end(): readonly Frame[] {
    const held = this.#held ?? [];
    this.#held = null;
    return held;
  }
}
