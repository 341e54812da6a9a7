import { bringsTogether, type Command, sizeOf } from "../../core/commands.ts";
import type { Charge } from "../../core/limits/charge.ts";
import type { MarkMember } from "../../core/messages/marks.ts";
import type { Answer } from "../../core/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { MarkAnswer } from "../receipts/mark-answers.ts";
import type { OwnedMarks } from "../receipts/owned-marks.ts";
import { overloaded, stopping } from "../refusals.ts";
import { newTurn } from "./mailbox.ts";
import type { Meetings } from "./meetings.ts";
import type { Supervisor } from "./supervisor.ts";

export interface RegistrySettings {
  /** How long a command may take. After that it is refused, or answered `outcome_unknown`. */
  readonly commandDeadlineMs: number;
  /** The most commands under way in the whole process. */
  readonly maxTurns: number;
  /** The most characters of content and metadata under way in the whole process. */
  readonly maxTurnBytes: number;
}

/** Where commands and marks enter: finds the owner of the conversation, which is always this node until there is a cluster. */
export class Registry {
  readonly #supervisor: Supervisor;
  readonly #marks: Pick<OwnedMarks, "note">;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #meetings: Meetings;
  readonly #settings: RegistrySettings;
  readonly #queuedChanges: () => number;
  #underWay = 0;
  #bytesUnderWay = 0;
  #draining = false;
  #whenIdle: (() => void)[] = [];

  constructor(options: {
    readonly supervisor: Supervisor;
    readonly marks: Pick<OwnedMarks, "note">;
    readonly clock: Clock;
    readonly observer: Observer;
    readonly meetings: Meetings;
    readonly settings: RegistrySettings;
    /** Changes that wait for the store, also those whose deadline has passed. */
    readonly queuedChanges: () => number;
  }) {
    this.#supervisor = options.supervisor;
    this.#marks = options.marks;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#meetings = options.meetings;
    this.#settings = options.settings;
    this.#queuedChanges = options.queuedChanges;
  }

  /** Commands that are not answered yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Answers exactly once, by the command's deadline, and only with what is durable. `charge` is settled with each decision; null: the server
   * issued the command.
   */
  submit(command: Command, answer: Answer, charge: Charge | null): void {
    if (this.#draining) return answer(stopping);
    if (this.#isFull()) return answer(overloaded);
    const actor = this.#supervisor.actor(command.conversationId);
    if (!actor) return answer(overloaded);
    const acceptedMs = this.#clock.monotonicMs();
    const bytes = sizeOf(command);
    this.#underWay++;
    this.#bytesUnderWay += bytes;
    const gone = bringsTogether(command) ? this.#meetings.begin() : null;
    const counted: Answer = (outcome) => {
      this.#answered(bytes);
      answer(outcome);
    };
    const refusal = actor.submit(
      newTurn({
        command,
        answer: counted,
        charge,
        gone,
        acceptedMs,
        deadlineMs: acceptedMs + this.#settings.commandDeadlineMs,
      }),
    );
    if (!refusal) return this.#observer.commandAccepted();
    gone?.();
    counted(refusal);
  }

  /** Moves a mark of a member, at most to the head. Answered when it is durable, within a second or so. */
  mark(mark: MarkMember, answer?: MarkAnswer): void {
    this.#marks.note(mark, answer);
  }

  /** From now on every command is refused as `unavailable`. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when no command is under way. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #isFull(): boolean {
    const { maxTurns, maxTurnBytes } = this.#settings;
    if (this.#underWay >= maxTurns || this.#bytesUnderWay >= maxTurnBytes) return true;
    return this.#queuedChanges() >= maxTurns;
  }

  #answered(bytes: number): void {
    this.#underWay--;
    this.#bytesUnderWay -= bytes;
    if (this.#underWay > 0 || this.#whenIdle.length === 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
