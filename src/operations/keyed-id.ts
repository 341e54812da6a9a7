import { createHash } from "node:crypto";

/**
 * Returns the id of what a user creates under a key of their own: always the same for the same user, device and key, and unlike every
 * other. A UUID of version 8 (RFC 9562), so that creating it twice is a conflict of its primary key and needs no table of keys.
 */
export function keyedId(owner: {
  readonly userId: string;
  readonly deviceId: string | null;
  readonly key: string;
}): string {
  const { userId, deviceId, key } = owner;
  const bytes = createHash("sha256")
    .update(JSON.stringify([userId, deviceId, key]))
    .digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}
