/**
 * `JSON.parse`, but a number that a double cannot hold digit for digit (a 64-bit id of a Swift or Kotlin client) becomes
 * a raw JSON value, which `JSON.stringify` writes out as it came (ECMAScript, JSON.parse source text access).
 * Looking for long numbers costs 0.1 µs per frame; only texts that have one are parsed the slow way, and only while they hold at most
 * 6,000 values of arrays or a third as many of objects (2 to 4 ms): more long numbers do not fit into what is kept of a message, and must not
 * cost the others their turn.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return longNumber.test(text) && isLight(value) ? JSON.parse(text, keepDigits) : value;
}

const maxWeight = 6_000;
/** A member of an object takes three times as long as an element of an array. */
const memberWeight = 3;

/** Without recursion: a value may nest deeper than a stack. */
function isLight(root: unknown): boolean {
  const waiting = [root];
  let weight = 0;
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== "object" || value === null) continue;
    const children: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
    weight += children.length * (Array.isArray(value) ? 1 : memberWeight);
    if (weight > maxWeight) return false;
    for (const child of children) waiting.push(child);
  }
  return true;
}

/** Whether the value stands for a number that no double holds. */
export function isRawNumber(value: unknown): boolean {
  return json.isRawJSON(value);
}

/** Any shorter integer is below 2^53. */
const longNumber = /\d{16}/;

/** What the type declarations of the language do not know yet. */
const json = JSON as typeof JSON & {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || !integer.test(source)) return value;
  return String(value) === source ? value : json.rawJSON(source);
}

/** Fractions and exponents are doubles by their form. */
const integer = /^-?\d+$/;
