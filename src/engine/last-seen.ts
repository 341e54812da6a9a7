import type { Clock } from "../core/ports/clock.ts";
import type { LastSeen as LastSeenStore } from "../core/ports/last-seen.ts";
import type { Observer } from "../core/ports/observer.ts";
import { WriteBehind } from "./write-behind.ts";

const saveEveryMs = 5_000;
/** The most users who wait to be saved. For further users the time is lost. */
const maxWaiting = 100_000;

interface Seen {
  readonly userId: string;
  readonly atUs: number;
}

/** Saves when users were last online: every few seconds and on a drain, many rows per statement. A crash loses the last seconds. */
export class LastSeen {
  readonly #clock: Clock;
  readonly #users: WriteBehind<Seen>;
  #cancel: (() => void) | null = null;

  constructor(options: {
    readonly store: LastSeenStore;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    const { store, clock, observer } = options;
    this.#clock = clock;
    this.#users = new WriteBehind({
      keyOf: ({ userId }) => userId,
      ownerOf: ({ userId }) => userId,
      merged: (known, seen) => (seen.atUs > known.atUs ? seen : known),
      save: (rows) => store.save(new Map(rows.map(({ userId, atUs }) => [userId, atUs]))),
      refused: (error) => observer.bug("saving when a user was online last", error),
      failed: ({ rows, error }) => {
        observer.warn("last_seen_flush_failed", { reason: String(error), users: rows.length });
        this.#saveLater();
      },
      maxLeft: maxWaiting,
    });
  }

  seen(userId: string, atUs: number): void {
    if (this.#users.size >= maxWaiting && !this.#users.isWaiting(userId)) return;
    this.#users.keep({ userId, atUs });
    this.#saveLater();
  }

  /** Returns a time that is not in the store yet; null: there is none. */
  recent(userId: string): number | null {
    return this.#users.find(userId)?.atUs ?? null;
  }

  /** Resolves when every time that was reported before this call was saved, or could not be. */
  save(): Promise<void> {
    this.stop();
    return this.#users.save();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #saveLater(): void {
    this.#cancel ??= this.#clock.after(saveEveryMs, () => void this.save());
  }
}
