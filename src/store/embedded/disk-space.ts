import { statfs } from "node:fs/promises";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";

const lookEveryMs = 10_000;
/** Nearly full: less than a twentieth is free, within these bounds. PostgreSQL writes WAL in pieces of 16 MiB. */
const littleShare = 1 / 20;
const leastBytes = 64 << 20;
const mostBytes = 512 << 20;

/** Looks every 10 s at how much is free on the disk of the data directory, before PostgreSQL finds it full. */
export class DiskSpace {
  readonly #directory: string;
  readonly #clock: Pick<Clock, "after">;
  readonly #observer: Pick<Observer, "warn">;
  #freeBytes = Number.POSITIVE_INFINITY;
  #isNearlyFull = false;
  #isStopped = false;
  #cancel: () => void = () => {};

  constructor(options: {
    readonly directory: string;
    readonly clock: Pick<Clock, "after">;
    readonly observer: Pick<Observer, "warn">;
  }) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** Looks for the first time. Resolves when it has; never rejects. */
  async start(): Promise<void> {
    await this.#look();
    if (!this.#isStopped) this.#cancel = this.#clock.after(lookEveryMs, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Null: there is room. */
  get shortage(): string | null {
    if (!this.#isNearlyFull) return null;
    return `${Math.floor(this.#freeBytes / (1 << 20))} MiB are free on the disk of ${this.#directory}`;
  }

  async #look(): Promise<void> {
    const found = await statfs(this.#directory).catch(() => null);
    if (!found) return;
    this.#freeBytes = found.bavail * found.bsize;
    const share = littleShare * found.blocks * found.bsize;
    this.#isNearlyFull = this.#freeBytes < Math.max(leastBytes, Math.min(mostBytes, share));
    const { shortage } = this;
    if (shortage) this.#observer.warn("disk_nearly_full", { reason: shortage });
  }
}
