import { noSuchConversation } from "../../core/access.ts";
import type { Rejection } from "../../core/rejection.ts";
import { outcomeUnknown, tooLate } from "../refusals.ts";
import type { Answers } from "./answers.ts";
import type { Mailbox, Turn } from "./mailbox.ts";

/** Answers one actor's turns: in their order with their decisions when these are durable, or earlier with a refusal. */
export class Settling {
  readonly #mailbox: Mailbox;
  readonly #answers: Answers;

  constructor({ mailbox, answers }: { readonly mailbox: Mailbox; readonly answers: Answers }) {
    this.#mailbox = mailbox;
    this.#answers = answers;
  }

  /** Answers turns from the front, in order, as far as the revisions of their decisions are durable. */
  settle(durableRev: number): void {
    for (;;) {
      const turn = this.#mailbox.front;
      if (!turn || this.#mailbox.decided === 0 || turn.decidedRev > durableRev) return;
      this.#mailbox.shift();
      this.#answers.decided(turn, turn.decision!);
    }
  }

  /** Refuses the undecided turns for which `which` holds. */
  refuseUndecided(which: (turn: Turn) => boolean, rejection: Rejection): void {
    if (!this.#mailbox.undecided) return;
    const refused = this.#mailbox.retain((turn) => turn.decision !== null || !which(turn));
    for (const turn of refused) this.#answers.give(turn, rejection);
  }

  /** Refuses a decided turn whose change cannot be stored. */
  refuse(turn: Turn, rejection: Rejection): void {
    this.#answers.give(turn, rejection);
    this.#mailbox.retain((each) => each !== turn);
  }

  /** Refuses a turn whose sender is not a member, without waiting for the turns before it: no decision depends on it. */
  turnAway(turn: Turn, rejection: Rejection): void {
    if (turn.decision === null) this.refuseUndecided((each) => each === turn, rejection);
    else if (turn.decision === noSuchConversation) this.#answers.give(turn, rejection);
  }

  /** Refuses turns whose deadline has passed: undecided ones are dropped, decided ones may still be stored. */
  expire(nowMs: number): void {
    this.refuseUndecided((turn) => turn.deadlineMs <= nowMs, tooLate);
    for (let index = 0; index < this.#mailbox.decided; index++) {
      const turn = this.#mailbox.at(index);
      if (turn.deadlineMs > nowMs) return;
      this.#answers.give(turn, outcomeUnknown);
    }
  }
}
