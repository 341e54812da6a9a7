import type { Clock } from "../core/ports/clock.ts";
import type { LastSeen as LastSeenStore } from "../core/ports/last-seen.ts";
import type { Observer } from "../core/ports/observer.ts";
import { type NotStored, storeRows } from "./reads/store-rows.ts";

const saveEveryMs = 5_000;
const rowsAtOnce = 1_000;
/** The most users who wait to be saved; of those who come later it is not known when they went. */
const maxWaiting = 100_000;

/** When users were online last, on its way to the store: every few seconds and on a drain, many rows per statement. A crash loses the last seconds of it. */
export class LastSeen {
  readonly #store: LastSeenStore;
  readonly #clock: Clock;
  readonly #observer: Observer;
  #waiting = new Map<string, number>();
  /** What is being saved. */
  #sent: ReadonlyMap<string, number> = new Map();
  #saving: Promise<void> | null = null;
  #cancel: (() => void) | null = null;

  constructor(options: {
    readonly store: LastSeenStore;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  seen(userId: string, atUs: number): void {
    if (this.#waiting.size >= maxWaiting && !this.#waiting.has(userId)) return;
    this.#waiting.set(userId, Math.max(atUs, this.#waiting.get(userId) ?? 0));
    this.#cancel ??= this.#clock.after(saveEveryMs, () => void this.save());
  }

  /** What is not in the store yet; null: nothing. */
  recent(userId: string): number | null {
    return this.#waiting.get(userId) ?? this.#sent.get(userId) ?? null;
  }

  /** Resolves when whatever was seen before this call was saved, or could not be. */
  async save(): Promise<void> {
    this.stop();
    await this.#saving;
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = null;
    });
    await this.#saving;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  async #saveAll(): Promise<void> {
    const users = [...this.#waiting];
    this.#sent = this.#waiting;
    this.#waiting = new Map();
    const left = await storeRows({
      rows: users,
      atOnce: rowsAtOnce,
      save: (rows) => this.#store.save(new Map(rows)),
      refused: (_, error) => this.#observer.bug("saving when a user was online last", error),
    });
    this.#sent = new Map();
    if (left) this.#keep(left);
  }

  /** What could not be saved waits for the next time. */
  #keep({ rows, error }: NotStored<readonly [string, number]>): void {
    this.#observer.warn("last_seen_flush_failed", { reason: String(error), users: rows.length });
    for (const [userId, atUs] of rows) this.seen(userId, atUs);
  }
}
