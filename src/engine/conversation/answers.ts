import { noSuchConversation } from "../../core/access.ts";
import type { Decision } from "../../core/decision.ts";
import { asSeenFrom } from "../../core/messages/quote.ts";
import { differsFrom } from "../../core/messages/send.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { orUnavailable } from "../reads/or-unavailable.ts";
import { membersUnsettled, outcomeUnknown, undecidable } from "../refusals.ts";
import type { Lookups } from "./lookups.ts";
import type { Turn } from "./mailbox.ts";

/**
 * Answers each turn once. Callers must wait until everything that the answer reports is durable. An answer that needs the store is given
 * later; its turn may leave the mailbox meanwhile.
 */
export class Answers {
  readonly #lookups: Lookups;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #distrustMembers: (conversationId: string, userId: string) => void;

  constructor(options: {
    readonly lookups: Lookups;
    readonly clock: Clock;
    readonly observer: Observer;
    /** The store knows a member of a conversation that its actor refused as a stranger. */
    readonly distrustMembers: (conversationId: string, userId: string) => void;
  }) {
    this.#lookups = options.lookups;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#distrustMembers = options.distrustMembers;
  }

  /** Gives the answer that follows from the turn's decision. */
  decided(turn: Turn, decision: Decision): void {
    switch (decision.type) {
      case "decided":
        return this.give(turn, { type: "done", events: decision.events });
      case "duplicate":
        return void this.#giveLater(turn, () => this.#duplicateOf(turn, decision.seq, decision.joinedSeq));
      case "unchanged":
        return this.give(turn, decision);
      case "rejection":
        if (decision !== noSuchConversation) return this.give(turn, decision);
        return void this.#giveLater(turn, () => this.#refusalOfStranger(turn));
    }
  }

  /** Does nothing if the turn was answered before. */
  give(turn: Turn, outcome: Outcome): void {
    const { answer } = turn;
    if (!answer) return;
    turn.answer = null;
    if (outcome.type === "rejection") this.#refused(turn, outcome);
    else this.#observer.commandAcknowledged(this.#clock.monotonicMs() - turn.acceptedMs);
    this.#call(answer, outcome);
  }

  #call(answer: NonNullable<Turn["answer"]>, outcome: Outcome): void {
    try {
      answer(outcome);
    } catch (error) {
      this.#observer.bug("answering a command", error);
    }
  }

  #refused({ command, charge }: Turn, rejection: Rejection): void {
    if (rejection !== outcomeUnknown) charge?.annul();
    if (rejection.code !== "forbidden") return;
    const { senderId, type, conversationId } = command;
    this.#observer.security("privilege_refused", {
      user_id: senderId,
      operation: type,
      conversation_id: conversationId,
    });
  }

  async #giveLater(turn: Turn, ask: () => Promise<Outcome>): Promise<void> {
    const { answer } = turn;
    turn.answer = null;
    if (!answer) return;
    const outcome = await ask().catch((error: unknown): Outcome => {
      this.#observer.bug("answering a command from the store", error);
      return undecidable;
    });
    this.#call(answer, outcome);
  }

  async #duplicateOf({ command }: Turn, seq: number, joinedSeq: number): Promise<Outcome> {
    this.#observer.commandDuplicate();
    const { conversationId } = command;
    const found = await orUnavailable(this.#lookups.message({ conversationId, seq }));
    if (isRejection(found)) return found;
    const { message } = found;
    if (!message) throw new Error(`message ${seq} of ${conversationId} is known and not stored`);
    const differs = command.type !== "send_message" || differsFrom(message, command);
    return { type: "duplicate", message: asSeenFrom(message, joinedSeq), differs };
  }

  /**
   * The store decides who is a stranger: memory may be behind it when the right to serve has moved and this process has not noticed. Uses the
   * read that began when the turn came, so that strangers wait for one read in every conversation.
   */
  async #refusalOfStranger({ command, membership }: Turn): Promise<Outcome> {
    const { conversationId, senderId: userId } = command;
    const known = await membership;
    // A member when the turn came may have left by now.
    const asks = known === null || (!isRejection(known) && known.isMember);
    const found = asks ? await orUnavailable(this.#lookups.membership({ conversationId, userId })) : known;
    if (isRejection(found)) return found;
    if (!found.isMember) return noSuchConversation;
    this.#distrustMembers(conversationId, userId);
    return membersUnsettled;
  }
}
