/**
 * By what a repeated send is recognised, besides its sender and conversation: the client's number, counted for each device on its own.
 * Devices are known by a tag of 31 bits, so that a key is one 64-bit integer (`dedup_key`): a column and an index of the same size as
 * without devices. Two devices of one user share a tag once in two thousand million pairs.
 */
export interface SendKey {
  /** From `deviceTagOf`, or `untagged`. */
  readonly deviceTag: number;
  /** uint32, chosen by the client. */
  readonly clientRandom: number;
}

/** Of messages that were stored before keys named devices (migration 0006). A send of any device may repeat them. */
export const untagged = 0;
/** Of tokens without a `deviceId`: together they are one more device. */
const noDevice = 1;
const firstDevice = 2;
const tags = 2 ** 31 - firstDevice;

/** Returns the tag of a device. It is stored with every message: another result for the same id would store repeated sends twice. */
export function deviceTagOf(deviceId: string | null): number {
  return deviceId === null ? noDevice : firstDevice + (hashOf(deviceId) % tags);
}

/** FNV-1a of 32 bits over UTF-16 code units, then the finalizer of MurmurHash3, so that ids that differ in one digit spread evenly. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
