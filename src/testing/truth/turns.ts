/** Of each kind, as many are looked at in one test, and of the others one in so many: a flood must not cost its test what it measures. */
const lookedAt = 30;
const oneIn = 50;

const counts = new Map<string, number>();

/** Whether this one of many alike is looked at. */
export function isTurn(kind: string): boolean {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  return count <= lookedAt || count % oneIn === 0;
}

/** Begins to count again, for the next test. */
export function startTurns(): void {
  counts.clear();
}
