/** Reads that are under way, so that nothing is read twice at once: who asks meanwhile gets the same answer. */
export class Once {
  readonly #underWay = new Map<string, Promise<void>>();

  run(what: string, read: () => Promise<void>): Promise<void> {
    const underWay = this.#underWay.get(what);
    if (underWay) return underWay;
    const reading = read().finally(() => this.#underWay.delete(what));
    this.#underWay.set(what, reading);
    return reading;
  }
}
