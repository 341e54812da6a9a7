/** Of each kind, as many are looked at, and of the others one in so many: a flood must not cost its test what it measures. */
const lookedAt = 30;
const oneIn = 50;

/** Which of many alike are looked at. */
export class Turns {
  readonly #counts = new Map<string, number>();

  isTurn(kind: string): boolean {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return count <= lookedAt || count % oneIn === 0;
  }
}
