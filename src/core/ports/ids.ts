/** A new UUIDv7 (RFC 9562), lower case: unique, and ascending within this process. */
export type NewId = () => string;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text is a UUID in the one form that is used as a key: lower case, with dashes. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/**
 * Returns the UUID in the one form that is used as a key, from text in any case; null when the text is no UUID. Every id that comes from
 * outside passes through here. Other spellings (`urn:uuid:`, braces, no dashes) are refused.
 */
export function toUuid(text: string): string | null {
  if (text.length !== 36) return null;
  const lower = text.toLowerCase();
  return isUuid(lower) ? lower : null;
}
