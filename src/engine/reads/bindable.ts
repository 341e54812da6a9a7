/**
 * A value that PostgreSQL cannot take as a parameter. It would fail the whole statement, with the requests of others in it, so its request
 * fails alone before. Input is checked where it arrives: this is a bug of the caller.
 */
export class Unbindable extends Error {
  constructor(problem: string) {
    super(`the store cannot take a value that ${problem}`);
  }
}

/**
 * Returns why a statement with this value would fail, without the value itself; null: PostgreSQL can take it. Looks into arrays and
 * objects. Text must not hold U+0000 (`text` has none) and must be well-formed (unpaired surrogates have no UTF-8); numbers must be
 * whole and exact, which excludes instants that are no dates.
 */
export function bindProblem(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      return textProblem(value);
    case "number":
      return Number.isSafeInteger(value) ? null : "is no whole number up to 2^53";
    case "object":
      return value === null ? null : anyProblem(Object.values(value));
    default:
      return null;
  }
}

function textProblem(text: string): string | null {
  if (text.includes("\0")) return "holds U+0000";
  return text.isWellFormed() ? null : "holds an unpaired surrogate";
}

function anyProblem(values: readonly unknown[]): string | null {
  for (const value of values) {
    const problem = bindProblem(value);
    if (problem !== null) return problem;
  }
  return null;
}
