import type { Command } from "../../core/commands.ts";
import type { Decision } from "../../core/decision.ts";
import type { Charge } from "../../core/limits/charge.ts";
import type { Answer } from "../../core/outcome.ts";
import type { Change } from "../../core/ports/commit.ts";
import type { Rejection } from "../../core/rejection.ts";

/** One command on its way through an actor. Moved by the actor and the lane only. */
export interface Turn {
  readonly command: Command;
  readonly acceptedMs: number;
  readonly deadlineMs: number;
  /** What its decision costs its sender, beside its arrival; null: the server issued it. */
  readonly charge: Charge | null;
  /** Called once, when the turn can have no effect any more. If its answer was `outcome_unknown`, that is after the answer. */
  readonly gone: (() => void) | null;
  /** Null once answered. */
  answer: Answer | null;
  /** Null while undecided. */
  decision: Decision | null;
  /** The revision at which it was decided; its answer leaves when this is durable. */
  decidedRev: number;
  /** What is to be stored for it, when anything is. */
  change: Change | null;
  /** Its change is in a batch that was sent and whose outcome is not known yet. */
  inFlight: boolean;
  /** Whether the store knows its sender as a member; null: not asked, because memory did. */
  membership: Promise<{ readonly isMember: boolean } | Rejection> | null;
  /** The store was asked about its key, so that deciding it needs no further look. */
  probed: boolean;
}

export function newTurn(
  given: Pick<Turn, "command" | "charge" | "gone" | "acceptedMs" | "deadlineMs"> & {
    readonly answer: Answer;
  },
): Turn {
  return {
    ...given,
    decision: null,
    decidedRev: -1,
    change: null,
    inFlight: false,
    membership: null,
    probed: false,
  };
}

/** The unsettled turns of one actor, oldest first. A queue over an array: taking from the front costs no shifting. */
export class Mailbox {
  #turns: Turn[] = [];
  #first = 0;

  get size(): number {
    return this.#turns.length - this.#first;
  }

  get front(): Turn | undefined {
    return this.#turns[this.#first];
  }

  at(index: number): Turn {
    return this.#turns[this.#first + index]!;
  }

  push(turn: Turn): void {
    this.#turns.push(turn);
  }

  shift(): void {
    const gone = this.front?.gone;
    this.#first++;
    if (this.#first === this.#turns.length) this.#empty();
    else if (this.#first >= 1024 && this.#first * 2 >= this.#turns.length) this.#compact();
    gone?.();
  }

  /** Keeps the turns for which `keep` holds, in order. */
  retain(keep: (turn: Turn) => boolean): void {
    const kept: Turn[] = [];
    const gone: Turn[] = [];
    for (let index = this.#first; index < this.#turns.length; index++) {
      const turn = this.#turns[index]!;
      (keep(turn) ? kept : gone).push(turn);
    }
    this.#turns = kept;
    this.#first = 0;
    for (const turn of gone) turn.gone?.();
  }

  #empty(): void {
    this.#turns.length = 0;
    this.#first = 0;
  }

  #compact(): void {
    this.#turns.splice(0, this.#first);
    this.#first = 0;
  }
}
