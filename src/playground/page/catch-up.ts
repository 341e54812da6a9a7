/** What a device missed while its line was away, once it has it. */
export interface CaughtUp {
  readonly messages: number;
  /** Edits, deletions, reactions, members, settings. */
  readonly changes: number;
  readonly tookMs: number;
}

/** Counts what comes between the return of the line and the moment when every topic is live again. */
export class CatchUp {
  #startedMs = 0;
  #messages = 0;
  #changes = 0;
  /** The same comes by several ways: each revision of each conversation counts once. */
  #counted = new Set<string>();
  #waitsFor = new Set<string>();

  get isUnderWay(): boolean {
    return this.#waitsFor.size > 0;
  }

  begin(topics: Iterable<string>): void {
    this.#startedMs = performance.now();
    this.#messages = 0;
    this.#changes = 0;
    this.#counted = new Set();
    this.#waitsFor = new Set(topics);
  }

  message(conversationId: string, rev: number): void {
    if (this.#isFirst(conversationId, rev)) this.#messages++;
  }

  /** What this device wrote itself was not missed. */
  own(conversationId: string, rev: number): void {
    this.#isFirst(conversationId, rev);
  }

  change(conversationId: string, rev: number): void {
    if (this.#isFirst(conversationId, rev)) this.#changes++;
  }

  /** The result when this was the last topic that was waited for. */
  isLive(topic: string): CaughtUp | null {
    if (!this.#waitsFor.delete(topic) || this.isUnderWay) return null;
    return {
      messages: this.#messages,
      changes: this.#changes,
      tookMs: Math.round(performance.now() - this.#startedMs),
    };
  }

  #isFirst(conversationId: string, rev: number): boolean {
    const revision = `${conversationId} ${rev}`;
    if (!this.isUnderWay || this.#counted.has(revision)) return false;
    this.#counted.add(revision);
    return true;
  }
}
