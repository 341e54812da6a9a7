import { topicsOf } from "../../cluster/frame-topics.ts";
import type { Frame, PubSub, Subscription, TopicKind } from "../../core/ports/pubsub.ts";

/** The side of a bus on which nobody listens. */
export const unheard: Pick<PubSub, "listen" | "subscribe"> = {
  listen() {},
  subscribe: () => ({ confirmed: null, release() {} }),
};

/**
 * A bus between nodes, in memory: each hears what it publishes itself, and of the others only what it has subscribed. Subscriptions are
 * confirmed a little later, as those of a bus of several processes.
 */
export class ModelBus {
  readonly #nodes = new Set<ModelNode>();
  readonly #onError: (error: unknown) => void;

  constructor(options: { readonly onError: (error: unknown) => void }) {
    this.#onError = options.onError;
  }

  node(): ModelNode {
    const node = new ModelNode({
      publish: (frame) => this.#publish(node, frame),
      onError: this.#onError,
    });
    this.#nodes.add(node);
    return node;
  }

  #publish(from: ModelNode, frame: Frame): void {
    const topics = topicsOf(frame);
    for (const node of this.#nodes)
      if (node === from || topics.some(({ kind, id }) => node.hears(kind, id))) node.hear(frame);
  }
}

export class ModelNode implements PubSub {
  readonly #publish: (frame: Frame) => void;
  readonly #onError: (error: unknown) => void;
  /** By topic, subscriptions that were confirmed and those that wait for it. */
  readonly #topics = new Map<
    string,
    { subscriptions: number; isConfirmed: boolean; confirmed: Promise<void> }
  >();
  #listener: (frame: Frame) => void = () => {};

  constructor(options: {
    readonly publish: (frame: Frame) => void;
    readonly onError: (error: unknown) => void;
  }) {
    this.#publish = options.publish;
    this.#onError = options.onError;
  }

  /** Topics that are subscribed. */
  get topics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  publish(frame: Frame): void {
    this.#publish(frame);
  }

  listen(listener: (frame: Frame) => void): void {
    this.#listener = listener;
  }

  subscribe(kind: TopicKind, id: string): Subscription {
    const key = keyOf(kind, id);
    const topic = this.#topics.get(key) ?? this.#ask(key);
    topic.subscriptions++;
    return {
      confirmed: topic.confirmed,
      release: () => {
        if (--topic.subscriptions === 0) this.#topics.delete(key);
      },
    };
  }

  hears(kind: TopicKind, id: string): boolean {
    return this.#topics.get(keyOf(kind, id))?.isConfirmed ?? false;
  }

  hear(frame: Frame): void {
    try {
      this.#listener(frame);
    } catch (error) {
      this.#onError(error);
    }
  }

  #ask(key: string) {
    const confirmed = Promise.resolve().then(() => {
      topic.isConfirmed = true;
    });
    const topic = { subscriptions: 0, isConfirmed: false, confirmed };
    this.#topics.set(key, topic);
    return topic;
  }
}

function keyOf(kind: TopicKind, id: string): string {
  return `${kind} ${id}`;
}
