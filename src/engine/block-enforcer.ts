import type { BlockedPair, Blocks } from "../core/ports/blocks.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { NewId } from "../core/ports/ids.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Ownership } from "../core/ports/ownership.ts";
import type { Outcome } from "./outcome.ts";
import type { Registry } from "./registry.ts";

/** The most pairs under way. */
const pairsAtOnce = 100;
const retryPauseMs = 500;

/**
 * Sees to it that conversations follow what is blocked between their two: by commands to the owner, who alone writes. A pair is pending until its
 * command is durable, and a command that finds it so already does nothing: a crash or an unknown outcome in between costs one more.
 */
export class BlockEnforcer {
  readonly #blocks: Blocks;
  readonly #commands: Pick<Registry, "submit">;
  readonly #ownership: Pick<Ownership, "isHeld" | "onChange">;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #newId: NewId;
  #running = false;
  #wanted = false;
  #stopped = false;

  constructor(options: {
    readonly blocks: Blocks;
    readonly commands: Pick<Registry, "submit">;
    readonly ownership: Pick<Ownership, "isHeld" | "onChange">;
    readonly clock: Clock;
    readonly observer: Observer;
    readonly newId: NewId;
  }) {
    this.#blocks = options.blocks;
    this.#commands = options.commands;
    this.#ownership = options.ownership;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#newId = options.newId;
  }

  start(): void {
    this.#ownership.onChange((held) => held && this.#wake());
    this.#blocks.subscribe(() => this.#wake());
  }

  /** What is under way may still be answered. */
  stop(): void {
    this.#stopped = true;
  }

  #wake(): void {
    this.#wanted = true;
    if (!this.#running) void this.#run();
  }

  /** Until nothing is pending: what becomes so during the last look is looked for again. */
  async #run(): Promise<void> {
    this.#running = true;
    while (this.#wanted && this.#mayRun()) {
      this.#wanted = false;
      if (!(await this.#isDone())) {
        this.#wanted = true;
        await this.#pause();
      }
    }
    this.#running = false;
  }

  #mayRun(): boolean {
    return !this.#stopped && this.#ownership.isHeld();
  }

  /** Whether all that was pending is so now. */
  async #isDone(): Promise<boolean> {
    try {
      while (this.#mayRun()) {
        const pairs = await this.#blocks.pending(pairsAtOnce);
        if (pairs.length === 0) return true;
        const outcomes = await Promise.all(pairs.map((pair) => this.#apply(pair)));
        const applied = pairs.filter((_, index) => outcomes[index]);
        if (applied.length > 0) await this.#blocks.applied(applied);
        if (applied.length < pairs.length) return false;
      }
      return true;
    } catch (error) {
      this.#observer.note("blocks cannot be applied at present", { reason: String(error) });
      return false;
    }
  }

  /** Whether it is so now. Without a conversation it is: none can begin while the block is there. */
  async #apply({ conversation }: BlockedPair): Promise<boolean> {
    if (!conversation) return true;
    const { id: conversationId, sides } = conversation;
    const senderId = sides[0].member.userId;
    const command = { type: "apply_blocks", id: this.#newId(), conversationId, senderId, sides } as const;
    const outcome = await new Promise<Outcome>((resolve) => this.#commands.submit(command, resolve));
    if (outcome.type !== "rejection") return true;
    this.#observer.note("a block is not applied yet", { conversation: conversationId, reason: outcome.code });
    return false;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(retryPauseMs, resolve));
  }
}
