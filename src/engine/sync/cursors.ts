import type { Clock } from "../../core/ports/clock.ts";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Position } from "../../core/ports/sync-reads.ts";
import { storeRows } from "../reads/store-rows.ts";

export interface Device {
  readonly userId: string;
  readonly deviceId: string;
}

export interface DevicePosition extends Position, Device {}

const saveEveryMs = 60_000;
const rowsAtOnce = 1_000;
/** The most positions that wait to be saved; beyond it they are saved at once. */
const maxWaiting = 100_000;

/**
 * What devices have confirmed, on its way to the store: when a socket closes, on a drain and every minute, many rows per statement. What is
 * lost with a crash comes again under the same seq.
 */
export class Cursors {
  readonly #store: DeviceCursors;
  readonly #clock: Clock;
  readonly #observer: Observer;
  #waiting = new Map<string, DevicePosition>();
  /** Those of which positions wait. */
  #devices = new Set<string>();
  /** Those of which positions are in the save that is under way. */
  #beingSaved: ReadonlySet<string> = new Set();
  /** The last save, which begins when those before it are over. Null: none is under way. */
  #saving: Promise<void> | null = null;
  /** The last save has not begun. */
  #isSoon = false;
  /** Raised when the store turns out to have another history. */
  #history = 0;
  #cancel: () => void;

  constructor(options: {
    readonly store: DeviceCursors;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#cancel = this.#later();
  }

  /** The device has everything up to here. */
  confirmed(position: DevicePosition): void {
    this.#keep(position);
    if (this.#waiting.size >= maxWaiting) void this.save();
  }

  /** The device's socket is gone: its next one, perhaps on another node, asks where it was. */
  ended(): void {
    if (this.#waiting.size > 0) void this.save();
  }

  /** Resolves when whatever was confirmed before this call was saved, or could not be. Those who call while one is on its way share the next. */
  save(): Promise<void> {
    if (this.#saving && this.#isSoon) return this.#saving;
    this.#isSoon = true;
    const saving: Promise<void> = this.#saveAfter(this.#saving).then(() => {
      if (this.#saving === saving) this.#saving = null;
    });
    this.#saving = saving;
    return saving;
  }

  /**
   * Null, or what resolves when nothing of this device (without one, of any) is being saved. Nothing is asked of the store for it, unless
   * the device has another socket that still seems to be there, as when it changed networks: what that one proved is saved first. A join
   * does not wait for what others have confirmed.
   */
  settled(device?: Device): Promise<void> | null {
    if (!device) return this.#saving;
    const key = keyOf(device);
    if (this.#devices.has(key)) return this.save();
    return this.#beingSaved.has(key) ? this.#saving : null;
  }

  /** The store has another history: what was confirmed of the old one must not be saved into it. */
  forget(): void {
    this.#history++;
    this.#waiting = new Map();
    this.#devices = new Set();
  }

  stop(): void {
    this.#cancel();
  }

  #keep(position: DevicePosition): void {
    const key = `${position.conversationId} ${position.userId} ${position.deviceId}`;
    this.#waiting.set(key, furthest(this.#waiting.get(key), position));
    this.#devices.add(keyOf(position));
  }

  #later(): () => void {
    return this.#clock.after(saveEveryMs, () => {
      this.#cancel = this.#later();
      void this.save();
    });
  }

  async #saveAfter(before: Promise<void> | null): Promise<void> {
    await before;
    this.#isSoon = false;
    const history = this.#history;
    const positions = [...this.#waiting.values()];
    this.#beingSaved = this.#devices;
    this.#waiting = new Map();
    this.#devices = new Set();
    const left = await storeRows({
      rows: positions,
      atOnce: rowsAtOnce,
      save: (rows) => this.#store.save(rows),
      refused: (_, error) => this.#observer.bug("saving the cursor of a device", error),
    });
    this.#beingSaved = new Set();
    if (!left) return;
    this.#observer.warn("cursor_flush_failed", { reason: String(left.error), cursors: left.rows.length });
    if (history === this.#history) this.#keepSome(left.rows);
  }

  /** For the next save. Half of what may wait, so that they do not bring it about themselves. */
  #keepSome(positions: readonly DevicePosition[]): void {
    for (const position of positions) if (this.#waiting.size < maxWaiting / 2) this.#keep(position);
  }
}

function keyOf({ userId, deviceId }: Device): string {
  return `${userId} ${deviceId}`;
}

/** A change of an older message moves the revision alone. */
function furthest(known: DevicePosition | undefined, position: DevicePosition): DevicePosition {
  if (!known) return position;
  const { seq, rev } = known;
  return { ...position, seq: Math.max(seq, position.seq), rev: Math.max(rev, position.rev) };
}
