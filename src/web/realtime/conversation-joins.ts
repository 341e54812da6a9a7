import { isUuid } from "../../core/ports/ids.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { JoinFacts } from "../../core/ports/sync-reads.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import type { Delivery } from "../../engine/sync/delivery.ts";
import { readCursor } from "../../operations/topics/join-payload.ts";
import { joinedConversationText } from "../../operations/topics/join-texts.ts";
import { joinConversation } from "../../operations/topics/topic-operations.ts";
import { conversationOfTopic } from "../../operations/topics/topics.ts";
import type { Joining, JoinOutcome } from "../../phoenix/channel.ts";
import type { Joins, Receipts } from "../domain.ts";
import type { Gate } from "../gate.ts";
import { rejectionText } from "../http/rejections.ts";
import type { Presences } from "./presences.ts";
import { ConversationReceiver, type UserSubscriptions } from "./receivers.ts";
import type { Session } from "./session.ts";
import type { TopicJoins } from "./topic-channel.ts";
import type { Typing } from "./typing.ts";

/** The bytes that a join with a cursor reads of each member. The answer of a large group shows only some of them. */
const bytesOfMark = 50;

export interface ConversationJoinsOptions {
  readonly joins: Joins;
  readonly gate: Pick<Gate, "answered">;
  readonly receipts: Receipts;
  readonly subscriptions: Pick<UserSubscriptions, "has">;
  readonly delivery: Pick<Delivery, "confirmed" | "joined" | "reached">;
  readonly typing: Pick<Typing, "left">;
  readonly presences: Pick<Presences, "joinedConversation" | "leftConversation">;
  readonly observer: Observer;
}

/** Joins of `conversation:<id>`: by members, with the difference since their cursor where there is one that is short. */
export class ConversationJoins implements TopicJoins {
  readonly #joins: Joins;
  readonly #gate: Pick<Gate, "answered">;
  readonly #receipts: Receipts;
  readonly #subscriptions: Pick<UserSubscriptions, "has">;
  readonly #delivery: Pick<Delivery, "confirmed" | "joined" | "reached">;
  readonly #typing: Pick<Typing, "left">;
  readonly #presences: Pick<Presences, "joinedConversation" | "leftConversation">;
  readonly #observer: Observer;

  constructor(options: ConversationJoinsOptions) {
    this.#joins = options.joins;
    this.#gate = options.gate;
    this.#receipts = options.receipts;
    this.#subscriptions = options.subscriptions;
    this.#delivery = options.delivery;
    this.#typing = options.typing;
    this.#presences = options.presences;
    this.#observer = options.observer;
  }

  /** Strangers, unknown ids and malformed ids get the same answer. */
  async join(joining: Joining<Session>): Promise<JoinOutcome> {
    const conversationId = conversationOfTopic(joining.topic);
    if (!isUuid(conversationId)) return this.#refuseStranger(joining);
    const since = readCursor(joining.payload);
    if (since && isRejection(since)) return this.#refuse(since);
    const viewerId = joining.identity.userId;
    const confirmed = this.#delivery.confirmed(viewerId, conversationId);
    if (confirmed) await confirmed;
    const joined = await this.#joins.conversation({ viewerId, conversationId, since });
    if (isRejection(joined))
      return joined.code === "not_found" ? this.#refuseStranger(joining) : this.#refuse(joined);
    const { head } = joined.facts;
    const response = joinedConversationText(joined, since);
    if (!response || !head) return this.#refuseStranger(joining);
    const readBytes = response.length + bytesOfMark * joined.facts.marks.length;
    this.#gate.answered(viewerId, joinConversation.costs, readBytes);
    await this.#delivery.reached(conversationId, head.rev);
    return {
      ok: true,
      response,
      covers: ({ at }) => at <= head.rev,
      receiver: this.#receiverOf(conversationId, joining),
      accepted: () => this.#accepted(joining, joined.facts, head.rev),
    };
  }

  #receiverOf(conversationId: string, joining: Joining<Session>): ConversationReceiver {
    return new ConversationReceiver({
      conversationId,
      joining,
      receipts: this.#receipts,
      subscriptions: this.#subscriptions,
    });
  }

  left(topic: string, session: Session): void {
    const conversationId = conversationOfTopic(topic);
    this.#typing.left(session, conversationId);
    this.#presences.leftConversation(session, conversationId);
  }

  #accepted(joining: Joining<Session>, facts: JoinFacts, headRev: number): void {
    this.#delivery.joined(facts.conversationId, headRev);
    this.#presences.joinedConversation(joining, facts);
  }

  #refuseStranger({ topic, identity }: Joining<Session>): JoinOutcome {
    const id = conversationOfTopic(topic);
    const fields = { user_id: identity.userId, conversation_id: isUuid(id) ? id : "malformed" };
    this.#observer.security("join_refused", fields);
    return this.#refuse(notAuthorized);
  }

  #refuse(rejection: Rejection): JoinOutcome {
    this.#observer.refused(rejection.code);
    return { ok: false, response: rejectionText(rejection) };
  }
}

const notAuthorized = reject(
  "not_authorized",
  "There is no such conversation, or you are not a member of it.",
);
