import { Type } from "@sinclair/typebox";

/**
 * Whole numbers as clients write them: JSON numbers, or the same in decimal digits, because the maps of some (Go's `map[string]string`, PHP)
 * hold only strings. Up to 15 digits are a double exactly.
 */
export const wholeNumber = Type.Union([
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  Type.String({ pattern: "^[0-9]{1,15}$" }),
]);

export const positiveNumber = Type.Union([
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  Type.String({ pattern: "^[1-9][0-9]{0,14}$" }),
]);

/** Returns the number in a value that fits one of the schemas above; null: left out. */
export function numberIn(given: number | string | null | undefined): number | null {
  return given == null ? null : Number(given);
}

/** Reads a whole number without a schema, for maps of thousands of them. Null: it is not one. */
export function readWholeNumber(given: unknown): number | null {
  if (typeof given === "number") return Number.isSafeInteger(given) && given >= 0 ? given : null;
  return typeof given === "string" && /^[0-9]{1,15}$/.test(given) ? Number(given) : null;
}
