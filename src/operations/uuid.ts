import { type NewId, toUuid } from "../core/ports/ids.ts";

/** The UUID in the form that is used as a key; any case is accepted. Null: not a UUID. */
export function readUuid(text: unknown): string | null {
  return typeof text === "string" ? toUuid(text) : null;
}

/** The id in a path. One that is none becomes one that nothing has: whoever asks gets the answer of what does not exist. */
export function uuidOrUnknown(text: unknown, newId: NewId): string {
  return readUuid(text) ?? newId();
}

/** What `readUuid` accepts, as a pattern for schemas: what it matches is made a key by `keyOf`. */
export const anyCaseUuid = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

/** A UUID, or several, in the form that is used as a key; each of several once. They must be UUIDs. */
export function keyOf(given: unknown): unknown {
  return Array.isArray(given) ? [...new Set(given.map(readUuid))] : readUuid(given);
}
