/** The feed of one backfill of one subscription. Its join_ref is that of the join: a re-join ends it. */
import type { Feed, Json } from "./channel.ts";
import { encodePush, type Ref } from "./codec.ts";
import type { Hold } from "./hold.ts";
import type { Wire } from "./wire.ts";

export class SubscriptionFeed implements Feed {
  readonly #wire: Wire;
  readonly #hold: Hold;
  readonly #topic: string;
  readonly #joinRef: Ref;
  #waiting: PromiseWithResolvers<void> | undefined;
  #over = false;

  constructor(options: {
    readonly wire: Wire;
    readonly hold: Hold;
    readonly topic: string;
    readonly joinRef: Ref;
  }) {
    this.#wire = options.wire;
    this.#hold = options.hold;
    this.#topic = options.topic;
    this.#joinRef = options.joinRef;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get isComplete(): boolean {
    return this.#hold.isComplete;
  }

  push(event: string, payload: Json): void {
    if (!this.#over) this.#wire.push(encodePush(this.#joinRef, this.#topic, event, payload));
  }

  hold(): void {
    if (!this.#over) this.#hold.restart();
  }

  drop(): void {
    if (!this.#over) this.#hold.drop();
  }

  drained(): Promise<void> {
    if (this.#over) return Promise.resolve();
    if (this.#waiting !== undefined) return this.#waiting.promise;
    const waiting = Promise.withResolvers<void>();
    this.#waiting = waiting;
    this.#wire.whenDrained(() => this.#wake());
    return waiting.promise;
  }

  /** Once. */
  end(): void {
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
