/** A new UUIDv7 (RFC 9562), lower case: unique, and ascending within this process. */
export type NewId = () => string;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text is a UUID in the one form that is used as a key: lower case, with dashes. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
