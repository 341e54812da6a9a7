/**
 * Identifies a send, within its sender and conversation, so that a duplicate is recognised: the client's number and the device. The device is
 * a tag of 31 bits, so that a key fits a 64-bit integer (`dedup_key`), and the column and its index are no larger than without devices. The
 * probability that two devices of one user have the same tag is 1 in 2^31.
 */
export interface SendKey {
  /** From `deviceTagOf`, or `untagged`. */
  readonly deviceTag: number;
  /** uint32, chosen by the client. */
  readonly clientRandom: number;
}

/** A message that was sent under a key. */
export interface KeyUse {
  /** Of the key that the message holds. */
  readonly deviceTag: number;
  readonly seq: number;
  readonly sentAtUs: number;
}

/** For how long a sender's `client_random` gives the first message back. Microseconds. */
export const keyLifetimeUs = 24 * 60 * 60 * 1_000_000;

/** The tag of messages that were stored before keys had a device (migration 0006). They count as earlier sends of every device. */
export const untagged = 0;
/** The tag of all tokens without a `deviceId`. */
const noDevice = 1;
const firstDevice = 2;
const tags = 2 ** 31 - firstDevice;

/** Returns the tag of a device. Tags are stored with messages, so the function must never change: duplicates would be stored twice. */
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
