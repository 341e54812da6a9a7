/** The name among those known that was probably meant; null: none is near. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const longer = known.find((other) => other.startsWith(name));
  if (longer) return longer;
  const ranked = known.map((other) => ({ other, distance: editDistance(name, other) }));
  const best = ranked.reduce((a, b) => (b.distance < a.distance ? b : a));
  return best.distance <= 4 ? best.other : null;
}

/** Levenshtein's, for two short names. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
