/** In each test, the first 30 of a kind are checked, then one in 50: the checks must not slow down a flood that a test measures. */
const lookedAt = 30;
const oneIn = 50;

const counts = new Map<string, number>();

/** Returns whether this one of many alike is checked. */
export function isTurn(kind: string): boolean {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  return count <= lookedAt || count % oneIn === 0;
}

/** Begins to count again, for the next test. */
export function startTurns(): void {
  counts.clear();
}
