const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Returns the user id that the server gives a token's subject: a UUID stands for itself, another text becomes the UUIDv5 in `namespace`
 * (RFC 9562 5.5). Null: it cannot be told, because the server has no namespace or the page is neither https nor localhost, where browsers
 * have no SHA-1.
 */
export async function userIdOf(subject: string, namespace: string | null): Promise<string | null> {
  if (uuid.test(subject.toLowerCase())) return subject.toLowerCase();
  if (namespace === null || !crypto.subtle) return null;
  const space = namespace
    .replaceAll("-", "")
    .match(/../g)!
    .map((byte) => Number.parseInt(byte, 16));
  const name = new TextEncoder().encode(subject);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", new Uint8Array([...space, ...name])));
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
