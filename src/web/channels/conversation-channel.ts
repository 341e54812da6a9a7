import type { Channel, Joining, JoinOutcome, Push } from "../../phoenix/channel.ts";
import type { Session } from "../session.ts";
import type { ConversationJoins } from "./conversation-joins.ts";
import type { Events } from "./events.ts";

/** The topics `conversation:<id>`: the messages of one conversation, for its members. One channel for all of them. */
export class ConversationChannel implements Channel<Session> {
  readonly #joins: ConversationJoins;
  readonly #events: Events;

  constructor(options: { readonly joins: ConversationJoins; readonly events: Events }) {
    this.#joins = options.joins;
    this.#events = options.events;
  }

  join(joining: Joining<Session>): Promise<JoinOutcome> {
    return this.#joins.join(joining);
  }

  receive(push: Push<Session>): void | Promise<void> {
    return this.#events.receive(push);
  }

  left(topic: string, session: Session): void {
    this.#joins.left(topic, session);
  }
}
