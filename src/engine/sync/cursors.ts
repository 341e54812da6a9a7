import type { Clock } from "../../core/ports/clock.ts";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Position } from "../../core/ports/sync-reads.ts";
import { WriteBehind } from "../write-behind.ts";

export interface Device {
  readonly userId: string;
  readonly deviceId: string;
}

export interface DevicePosition extends Position, Device {}

const saveEveryMs = 60_000;
/** The most positions that wait to be saved; beyond it they are saved at once. */
const maxWaiting = 100_000;

/**
 * Saves what devices have confirmed: when a socket closes, on a drain and every minute, many rows per statement. What is lost with a crash
 * comes again under the same seq.
 */
export class Cursors {
  readonly #clock: Clock;
  readonly #positions: WriteBehind<DevicePosition>;
  #cancel: () => void;

  constructor(options: {
    readonly store: DeviceCursors;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    const { store, clock, observer } = options;
    this.#clock = clock;
    this.#positions = new WriteBehind({
      keyOf: (position) => `${position.conversationId} ${keyOf(position)}`,
      ownerOf: keyOf,
      merged: furthest,
      save: (rows) => store.save(rows),
      refused: (error) => observer.bug("saving the cursor of a device", error),
      failed: ({ rows, error }) =>
        observer.warn("cursor_flush_failed", { reason: String(error), cursors: rows.length }),
      // Half of what may wait, so that they do not bring about the next save themselves.
      maxLeft: maxWaiting / 2,
    });
    this.#cancel = this.#later();
  }

  /** The device has everything up to here. */
  confirmed(position: DevicePosition): void {
    this.#positions.keep(position);
    if (this.#positions.size >= maxWaiting) void this.save();
  }

  /** The device's socket is gone: its next one, perhaps on another node, asks where it was. */
  ended(): void {
    if (this.#positions.size > 0) void this.save();
  }

  /** Resolves when all that was confirmed before this call was saved, or could not be. Calls during a save share the next one. */
  save(): Promise<void> {
    return this.#positions.save();
  }

  /**
   * Null, or what resolves when nothing of this device (without one, of any) is being saved. Nothing is asked of the store for it, unless
   * the device has another socket that still seems to be there, as when it changed networks: what that one proved is saved first. A join
   * does not wait for what others have confirmed.
   */
  settled(device?: Device): Promise<void> | null {
    if (!device) return this.#positions.saving;
    const key = keyOf(device);
    if (this.#positions.isWaiting(key)) return this.save();
    return this.#positions.isBeingSaved(key) ? this.#positions.saving : null;
  }

  /** The store has another history: what was confirmed of the old one must not be saved into it. */
  forget(): void {
    this.#positions.forget();
  }

  stop(): void {
    this.#cancel();
  }

  #later(): () => void {
    return this.#clock.after(saveEveryMs, () => {
      this.#cancel = this.#later();
      void this.save();
    });
  }
}

function keyOf({ userId, deviceId }: Device): string {
  return `${userId} ${deviceId}`;
}

/** A change of an older message moves the revision alone. */
function furthest(known: DevicePosition, position: DevicePosition): DevicePosition {
  const { seq, rev } = known;
  return { ...position, seq: Math.max(seq, position.seq), rev: Math.max(rev, position.rev) };
}
