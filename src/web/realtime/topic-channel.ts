import type { Channel, ClientEvent, Joining, JoinOutcome } from "../../phoenix/channel.ts";
import type { Arrival } from "./arrival.ts";
import type { Events } from "./events.ts";
import type { Session } from "./session.ts";

/** Decides who may join a kind of topics, and what a join brings. */
export interface TopicJoins {
  join(joining: Joining<Session>): Promise<JoinOutcome>;
  /** Once for each socket that was accepted, when it ends. */
  left(topic: string, session: Session): void;
}

/** One kind of topics: who may join them, and what they answer to. One channel for all of them. */
export class TopicChannel implements Channel<Session> {
  readonly #joins: TopicJoins;
  readonly #events: Events;

  constructor(options: { readonly joins: TopicJoins; readonly events: Events }) {
    this.#joins = options.joins;
    this.#events = options.events;
  }

  join(joining: Joining<Session>): Promise<JoinOutcome> {
    const { arrival } = joining.identity;
    return arrival.takesJoins ? this.#firstJoin(joining, arrival) : this.#joins.join(joining);
  }

  async #firstJoin(joining: Joining<Session>, arrival: Arrival): Promise<JoinOutcome> {
    arrival.joining();
    try {
      return await this.#joins.join(joining);
    } finally {
      arrival.joined();
    }
  }

  receive(push: ClientEvent<Session>): void | Promise<void> {
    return this.#events.receive(push);
  }

  left(topic: string, session: Session): void {
    this.#joins.left(topic, session);
  }
}
