import type { Channel, Joining, JoinOutcome, Push } from "../../phoenix/channel.ts";
import type { Session } from "../session.ts";
import type { Events } from "./events.ts";
import type { UserJoins } from "./user-joins.ts";

/** The topics `user:<id>`: whatever concerns one user, for that user's own sockets. One channel for all of them. */
export class UserChannel implements Channel<Session> {
  readonly #joins: UserJoins;
  readonly #events: Events;

  constructor(options: { readonly joins: UserJoins; readonly events: Events }) {
    this.#joins = options.joins;
    this.#events = options.events;
  }

  join(joining: Joining<Session>): Promise<JoinOutcome> {
    return this.#joins.join(joining);
  }

  receive(push: Push<Session>): void | Promise<void> {
    return this.#events.receive(push);
  }

  left(_topic: string, session: Session): void {
    this.#joins.left(session);
  }
}
