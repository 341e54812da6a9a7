import type { Command } from "../../core/commands.ts";
import type { Decision } from "../../core/decision.ts";
import type { Charge } from "../../core/limits/charge.ts";
import type { Answer } from "../../core/outcome.ts";
import type { Change } from "../../core/ports/commit.ts";
import type { Rejection } from "../../core/rejection.ts";

/** One command on its way through an actor. Only the actor and the lane change it. */
export interface Turn {
  readonly command: Command;
  readonly acceptedMs: number;
  readonly deadlineMs: number;
  /** The cost of its decision for its sender, beyond its arrival. Null: the server issued it. */
  readonly charge: Charge | null;
  /** Called once, when the turn can no longer have an effect. After the answer `outcome_unknown` it still can. */
  readonly gone: (() => void) | null;
  /** Null once answered. */
  answer: Answer | null;
  /** Null while undecided. */
  decision: Decision | null;
  /** The revision at which it was decided; its answer leaves when this is durable. */
  decidedRev: number;
  /** The change that is to be stored for it; null: none. */
  change: Change | null;
  /** Its change is in a batch that was sent and whose outcome is not known yet. */
  inFlight: boolean;
  /** Whether the store knows its sender as a member. Null: not asked, because memory knew them. */
  membership: Promise<{ readonly isMember: boolean } | Rejection> | null;
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
  };
}

/** The most commands whose needs are looked up together. */
const lookedAheadAt = 100;

/** Makes the turn one that is to be decided again. */
function undecide(turn: Turn): void {
  turn.decision = null;
  turn.decidedRev = -1;
  turn.change = null;
}

/**
 * The unsettled turns of one actor, oldest first; the oldest ones are decided. A queue over an array: taking from the front costs no
 * shifting.
 */
export class Mailbox {
  #turns: Turn[] = [];
  #first = 0;
  /** The number of decided turns. */
  #decided = 0;

  get size(): number {
    return this.#turns.length - this.#first;
  }

  get decided(): number {
    return this.#decided;
  }

  get front(): Turn | undefined {
    return this.#turns[this.#first];
  }

  /** The oldest turn that is not decided. */
  get undecided(): Turn | undefined {
    return this.#turns[this.#first + this.#decided];
  }

  at(index: number): Turn {
    return this.#turns[this.#first + index]!;
  }

  push(turn: Turn): void {
    this.#turns.push(turn);
  }

  /** Counts the oldest undecided turn as decided. */
  decideNext(): void {
    this.#decided++;
  }

  /** Removes the oldest turn. */
  shift(): void {
    const gone = this.front?.gone;
    this.#first++;
    if (this.#decided > 0) this.#decided--;
    if (this.#first === this.#turns.length) this.#empty();
    else if (this.#first >= 1024 && this.#first * 2 >= this.#turns.length) this.#compact();
    gone?.();
  }

  /** Returns the oldest commands that wait to be decided, at most 100. */
  waiting(): readonly Command[] {
    const from = this.#first + this.#decided;
    return this.#turns.slice(from, from + lookedAheadAt).map(({ command }) => command);
  }

  /** Keeps the turns for which `keep` holds, in order. Returns those that are gone. */
  retain(keep: (turn: Turn) => boolean): readonly Turn[] {
    const kept: Turn[] = [];
    const gone: Turn[] = [];
    let decided = 0;
    for (let index = this.#first; index < this.#turns.length; index++) {
      const turn = this.#turns[index]!;
      const isKept = keep(turn);
      (isKept ? kept : gone).push(turn);
      if (isKept && index - this.#first < this.#decided) decided++;
    }
    this.#turns = kept;
    this.#first = 0;
    this.#decided = decided;
    for (const turn of gone) turn.gone?.();
    return gone;
  }

  /** Makes all turns undecided. Drops those that were answered: nobody waits for them. */
  undecideAll(): void {
    this.retain((turn) => turn.answer !== null);
    for (const turn of this.#turns) undecide(turn);
    this.#decided = 0;
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
