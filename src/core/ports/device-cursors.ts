import type { DevicePosition, Position } from "./sync-reads.ts";

/** What each device has confirmed. All throw `StoreUnavailable`. */
export interface DeviceCursors {
  /**
   * Registers a device and returns its positions. A device that is new, or known only from a history that a restore replaced, starts at the
   * heads. One statement.
   */
  register(
    device: { readonly userId: string; readonly deviceId: string },
    atUs: number,
  ): Promise<readonly DevicePosition[]>;
  /** Saves the positions of many devices, in one statement. Cursors only move forward. */
  save(moves: readonly (Position & { readonly userId: string; readonly deviceId: string })[]): Promise<void>;
}
