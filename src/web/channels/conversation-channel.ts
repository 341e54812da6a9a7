import { isUuid, type NewId } from "../../core/ports/ids.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection, reject } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/outcome.ts";
import type { Channel, Joining, JoinOutcome, Push } from "../../phoenix/channel.ts";
import type { Commands, Joins } from "../domain.ts";
import type { Gate } from "../gate.ts";
import type { MessageTexts } from "../message-texts.ts";
import type { Payloads } from "../payloads.ts";
import { rejectionText } from "../rejections.ts";
import { sendMessageCommand } from "../send-message.ts";
import type { Session } from "../session.ts";
import { joinedConversationText } from "../views.ts";

/** The topics `conversation:<id>`: the messages of one conversation, for its members. One channel for all of them. */
export const conversationTopic = "conversation:";

export class ConversationChannel implements Channel<Session> {
  readonly #joins: Joins;
  readonly #commands: Commands;
  readonly #gate: Gate;
  readonly #payloads: Payloads;
  readonly #texts: MessageTexts;
  readonly #newId: NewId;
  readonly #observer: Observer;

  constructor(options: {
    readonly joins: Joins;
    readonly commands: Commands;
    readonly gate: Gate;
    readonly payloads: Payloads;
    readonly texts: MessageTexts;
    readonly newId: NewId;
    readonly observer: Observer;
  }) {
    this.#joins = options.joins;
    this.#commands = options.commands;
    this.#gate = options.gate;
    this.#payloads = options.payloads;
    this.#texts = options.texts;
    this.#newId = options.newId;
    this.#observer = options.observer;
  }

  /** Strangers, unknown ids and malformed ids get the same answer. */
  async join({ topic, identity }: Joining<Session>): Promise<JoinOutcome> {
    const conversationId = conversationOf(topic);
    if (!isUuid(conversationId)) return this.#refuseJoin(notAuthorized);
    const facts = await this.#joins.ask({ viewerId: identity.userId, conversationId });
    if (isRejection(facts)) return this.#refuseJoin(facts.code === "not_found" ? notAuthorized : facts);
    const response = joinedConversationText(facts);
    if (!response || !facts.head) return this.#refuseJoin(notAuthorized);
    const { rev } = facts.head;
    return { ok: true, response, covers: ({ at }) => at <= rev };
  }

  receive(push: Push<Session>): void {
    switch (push.event) {
      case "new_message":
      case "send_message":
        return this.#send(push);
      default:
        return this.#refuse(push, unknownEvent);
    }
  }

  #send(push: Push<Session>): void {
    const tooMany = this.#gate.message(push.identity.userId);
    if (tooMany) return this.#refuse(push, tooMany);
    const command = sendMessageCommand(push.payload, {
      payloads: this.#payloads,
      newId: this.#newId,
      senderId: push.identity.userId,
      conversationId: conversationOf(push.topic),
    });
    if (command.type === "rejection") return this.#refuse(push, command);
    this.#commands.submit(command, (outcome) => this.#answer(push, outcome));
  }

  #answer(push: Push<Session>, outcome: Outcome): void {
    switch (outcome.type) {
      case "done":
        return this.#answerDone(push, outcome.events);
      case "duplicate":
        return push.reply(
          true,
          `{"message":${this.#texts.of(outcome.message)},"duplicate":true,"differs":${outcome.differs}}`,
        );
      case "rejection":
        return push.reply(false, rejectionText(outcome));
    }
  }

  #answerDone(push: Push<Session>, events: (Outcome & { type: "done" })["events"]): void {
    for (const event of events) {
      if (event.type === "message_sent") return push.reply(true, `{"message":${this.#texts.of(event)}}`);
    }
  }

  #refuse(push: Push<Session>, rejection: Rejection): void {
    this.#observer.refused(rejection.code);
    push.reply(false, rejectionText(rejection));
  }

  #refuseJoin(rejection: Rejection): JoinOutcome {
    this.#observer.refused(rejection.code);
    return { ok: false, response: rejectionText(rejection) };
  }
}

function conversationOf(topic: string): string {
  return topic.slice(conversationTopic.length);
}

const notAuthorized = reject(
  "not_authorized",
  "There is no such conversation, or you are not a member of it.",
);
const unknownEvent = reject("unknown_event", "Nothing answers to this event here. Events: new_message.");
