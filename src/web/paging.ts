import { parseInstant } from "../core/instant.ts";
import type { HistoryCursor } from "../core/queries.ts";
import type { Rejection } from "../core/rejection.ts";
import { refusedField } from "./payloads/refused-field.ts";
import { readUuid } from "./uuid.ts";

export const defaultPage = 50;
export const maxPage = 100;
export const defaultChangesPage = 100;
export const maxChangesPage = 500;
/** Lists are for people; who wants more than this many conversations pages by something else. */
export const maxOffset = 100_000;

/** A number as it may stand in a query: digits only, so that nothing is rounded or coerced. */
const digits = /^[0-9]{1,15}$/;
const largestNumber = 10 ** 15 - 1;

export function readLimit(query: URLSearchParams): number | Rejection {
  return clampedLimit(query, maxPage, defaultPage);
}

export function readChangesLimit(query: URLSearchParams): number | Rejection {
  return clampedLimit(query, maxChangesPage, defaultChangesPage);
}

/** What is over the most is the most, however many digits it has: a page says itself whether there is more. */
function clampedLimit(query: URLSearchParams, most: number, absent: number): number | Rejection {
  const text = query.get("limit");
  if (text === null) return absent;
  const limit = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (limit >= 1) return Math.min(limit, most);
  return refusedField("limit", `must be an integer from 1; at most ${most} are given at once`);
}

/** The revision that the viewer knows; 0, from the beginning, when the query names none. */
export function readSince(query: URLSearchParams): number | Rejection {
  return readInteger(query, { name: "since", lowest: 0, highest: largestNumber, absent: 0 });
}

/** Of the store, when a cursor was given out. Null: the query does not say. */
export function readGeneration(query: URLSearchParams): number | Rejection | null {
  if (!query.has("generation")) return null;
  return readInteger(query, { name: "generation", lowest: 0, highest: largestNumber, absent: 0 });
}

export function readOffset(query: URLSearchParams): number | Rejection {
  return readInteger(query, { name: "offset", lowest: 0, highest: maxOffset, absent: 0 });
}

/** A `sent_at` in ISO 8601, a message's id or a seq. Null: the query names none. */
export function readCursor(
  query: URLSearchParams,
  name: "before" | "after",
): HistoryCursor | Rejection | null {
  const text = query.get(name);
  if (text === null) return null;
  if (digits.test(text)) return { by: "seq", seq: Number(text) };
  const id = readUuid(text);
  if (id) return { by: "id", id };
  const timeUs = parseInstant(text);
  if (timeUs !== null) return { by: "time", timeUs };
  return refusedField(name, "must be a sent_at in ISO 8601, the id of a message or a seq");
}

function readInteger(
  query: URLSearchParams,
  bounds: {
    readonly name: string;
    readonly lowest: number;
    readonly highest: number;
    readonly absent: number;
  },
): number | Rejection {
  const { name, lowest, highest, absent } = bounds;
  const text = query.get(name);
  if (text === null) return absent;
  const value = digits.test(text) ? Number(text) : Number.NaN;
  if (value >= lowest && value <= highest) return value;
  return refusedField(name, `must be an integer from ${lowest} to ${highest}`);
}
