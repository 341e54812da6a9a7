import type { Rejection } from "../core/rejection.ts";
import { isRawNumber } from "../phoenix/exact-json.ts";
import { refusedField } from "./refused-field.ts";

/** Checks of what is stored and returned as it came: nothing that PostgreSQL or JSON could not give back equal gets in. */

/** How deeply metadata may nest; the object itself is the first level. */
export const maxMetadataDepth = 32;

/** Null: the content can be stored. Length in bytes of UTF-8. U+0000 is kept; unpaired surrogates have no UTF-8. */
export function contentRefusal(content: string, maxBytes: number): Rejection | null {
  if (content.length === 0) return refusedField("content", "must not be empty");
  if (!content.isWellFormed()) return refusedField("content", "must not hold unpaired surrogates");
  if (!exceeds(content, maxBytes)) return null;
  return refusedField("content", `must be at most ${maxBytes} bytes of UTF-8`);
}

/** The metadata as JSON text, or why it cannot be kept. */
export function metadataText(metadata: object, maxBytes: number): string | Rejection {
  if (isRawNumber(metadata)) return refusedField("metadata", "must be an object");
  const problem = valueProblem(metadata, 1);
  if (problem) return refusedField("metadata", problem);
  const text = JSON.stringify(metadata);
  if (!exceeds(text, maxBytes)) return text;
  return refusedField("metadata", `must be at most ${maxBytes} bytes as JSON text`);
}

/** A UTF-16 unit is at most three bytes of UTF-8, so short strings need no counting. */
function exceeds(text: string, maxBytes: number): boolean {
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

/** Recursion ends at the depth that is allowed, however deep the value is. */
function valueProblem(value: unknown, depth: number): string | null {
  if (typeof value === "string") return value.isWellFormed() ? null : "must not hold unpaired surrogates";
  if (typeof value === "number")
    return Number.isFinite(value) ? null : "must not hold numbers beyond ±1.8e308";
  if (typeof value !== "object" || value === null) return null;
  if (depth > maxMetadataDepth) return `must not nest deeper than ${maxMetadataDepth} levels`;
  return Array.isArray(value) ? arrayProblem(value, depth) : objectProblem(value, depth);
}

function arrayProblem(values: readonly unknown[], depth: number): string | null {
  for (const value of values) {
    const problem = valueProblem(value, depth + 1);
    if (problem) return problem;
  }
  return null;
}

function objectProblem(value: object, depth: number): string | null {
  for (const [key, each] of Object.entries(value)) {
    if (!key.isWellFormed()) return "must not hold unpaired surrogates in its keys";
    const problem = valueProblem(each, depth + 1);
    if (problem) return problem;
  }
  return null;
}
