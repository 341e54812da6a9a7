import type { DevicePosition, Position } from "./sync-reads.ts";

/** What each device has confirmed. Throws `StoreUnavailable`. */
export interface DeviceCursors {
  /** A device that was never seen, or only in a history that is gone, starts at the heads. Answers where it stands. One statement. */
  register(
    device: { readonly userId: string; readonly deviceId: string },
    atUs: number,
  ): Promise<readonly DevicePosition[]>;
  /** Many devices in one statement. Cursors only move forward. */
  save(moves: readonly (Position & { readonly userId: string; readonly deviceId: string })[]): Promise<void>;
}
