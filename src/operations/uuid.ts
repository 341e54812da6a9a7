import { type NewId, toUuid } from "../core/ports/ids.ts";

/** The UUID in the form that is used as a key; any case is accepted. Null: not a UUID. */
export function readUuid(text: unknown): string | null {
  return typeof text === "string" ? toUuid(text) : null;
}

/** Returns the id in a path. A malformed one becomes a new id, so that it is answered like one that does not exist. */
export function uuidOrUnknown(text: unknown, newId: NewId): string {
  return readUuid(text) ?? newId();
}

/** Matches what `readUuid` accepts, for schemas. `keyOf` makes a key of it. */
export const anyCaseUuid = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

/** A UUID, or several, in the form that is used as a key; each of several once. They must be UUIDs. */
export function keyOf(given: unknown): unknown {
  return Array.isArray(given) ? [...new Set(given.map(readUuid))] : readUuid(given);
}
