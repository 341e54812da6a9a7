import { type NewId, toUuid } from "../core/ports/ids.ts";

/** The UUID in the form that is used as a key; any case is accepted. Null: not a UUID. */
export function readUuid(text: unknown): string | null {
  return typeof text === "string" ? toUuid(text) : null;
}

/** The id in a path. One that is none becomes one that nothing has: whoever asks gets the answer of what does not exist. */
export function uuidOrUnknown(text: unknown, newId: NewId): string {
  return readUuid(text) ?? newId();
}
