import { isUuid } from "../../core/ports/ids.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import type { Channel, Joining, JoinOutcome, Push } from "../../phoenix/channel.ts";
import type { Joins } from "../domain.ts";
import { rejectionText } from "../rejections.ts";
import type { Session } from "../session.ts";
import { joinedConversationText } from "../views/joined.ts";
import { type ConversationEventsOptions, conversationEvents, conversationOfTopic } from "./conversation-events.ts";
import type { Events } from "./events.ts";

/** The topics `conversation:<id>`: the messages of one conversation, for its members. One channel for all of them. */
export class ConversationChannel implements Channel<Session> {
  readonly #joins: Joins;
  readonly #events: Events;
  readonly #observer: Observer;

  constructor(options: ConversationEventsOptions & { readonly joins: Joins }) {
    this.#joins = options.joins;
    this.#events = conversationEvents(options);
    this.#observer = options.observer;
  }

  /** Strangers, unknown ids and malformed ids get the same answer. */
  async join({ topic, identity }: Joining<Session>): Promise<JoinOutcome> {
    const conversationId = conversationOfTopic(topic);
    if (!isUuid(conversationId)) return this.#refuseJoin(notAuthorized);
    const viewerId = identity.userId;
    const joined = await this.#joins.conversation({ viewerId, conversationId, since: null });
    if (isRejection(joined)) return this.#refuseJoin(joined.code === "not_found" ? notAuthorized : joined);
    const response = joinedConversationText(joined.facts);
    if (!response || !joined.facts.head) return this.#refuseJoin(notAuthorized);
    return { ok: true, response, position: joined.facts.head.rev };
  }

  receive(push: Push<Session>): void | Promise<void> {
    return this.#events.receive(push);
  }

  #refuseJoin(rejection: Rejection): JoinOutcome {
    this.#observer.refused(rejection.code);
    return { ok: false, response: rejectionText(rejection) };
  }
}

const notAuthorized = reject(
  "not_authorized",
  "There is no such conversation, or you are not a member of it.",
);
