import type { Observer } from "../../core/ports/observer.ts";
import { type Rejection, reject } from "../../core/rejection.ts";
import type { Channel, Joining, JoinOutcome, Push } from "../../phoenix/channel.ts";
import { rejectionText } from "../rejections.ts";
import type { Session } from "../session.ts";
import { joinedUserText } from "../views/joined.ts";
import type { Events } from "./events.ts";
import { type UserEventsOptions, userEvents } from "./user-events.ts";

/** The topics `user:<id>`: whatever concerns one user, for that user's own sockets. One channel for all of them. */
export const userTopic = "user:";

export class UserChannel implements Channel<Session> {
  readonly #events: Events;
  readonly #observer: Observer;

  constructor(options: UserEventsOptions) {
    this.#events = userEvents(options);
    this.#observer = options.observer;
  }

  join({ topic, identity }: Joining<Session>): JoinOutcome {
    if (topic === `${userTopic}${identity.userId}`) return { ok: true, response: joinedUserText(identity) };
    return { ok: false, response: this.#refused(notYours) };
  }

  receive(push: Push<Session>): void | Promise<void> {
    return this.#events.receive(push);
  }

  #refused(rejection: Rejection): string {
    this.#observer.refused(rejection.code);
    return rejectionText(rejection);
  }
}

const notYours = reject(
  "unauthorized",
  "This topic belongs to another user; yours ends in the subject of your token.",
);
