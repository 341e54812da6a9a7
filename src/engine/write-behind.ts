import type { NotStored } from "./reads/store-rows.ts";
import { storeRows } from "./reads/store-rows.ts";

const rowsAtOnce = 1_000;

export interface WriteBehindOptions<Row> {
  /** Rows of one key are merged into one. */
  readonly keyOf: (row: Row) => string;
  readonly merged: (known: Row, row: Row) => Row;
  /** Returns the owner of a row, for `isWaiting` and `isBeingSaved`. */
  readonly ownerOf: (row: Row) => string;
  /** Many rows in one statement. Throws `StoreUnavailable`. */
  readonly save: (rows: readonly Row[]) => Promise<void>;
  /** The store refuses the row for what it holds; it is not tried again. */
  readonly refused: (error: unknown) => void;
  /** Rows could not be saved and wait for the next time. */
  readonly failed: (left: NotStored<Row>) => void;
  /** The most rows that are kept of those that could not be saved. */
  readonly maxLeft: number;
}

/**
 * Keeps rows of which only the newest of each key counts, on their way to the store: many in one statement, one save at a time. Its owner
 * decides when they are saved. A crash loses what waits.
 */
export class WriteBehind<Row> {
  readonly #options: WriteBehindOptions<Row>;
  #waiting = new Map<string, Row>();
  #waitingOwners = new Set<string>();
  #sent: ReadonlyMap<string, Row> = new Map();
  #sentOwners: ReadonlySet<string> = new Set();
  /** The last save, which begins when those before it are over. */
  #saving: Promise<void> | null = null;
  /** The last save has not begun. */
  #isSoon = false;
  /** Incremented when all waiting and sent rows become void. */
  #history = 0;

  constructor(options: WriteBehindOptions<Row>) {
    this.#options = options;
  }

  /** Rows that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Null: no save is under way. */
  get saving(): Promise<void> | null {
    return this.#saving;
  }

  isWaiting(owner: string): boolean {
    return this.#waitingOwners.has(owner);
  }

  isBeingSaved(owner: string): boolean {
    return this.#sentOwners.has(owner);
  }

  /** Returns a row that is not in the store yet. */
  find(key: string): Row | undefined {
    return this.#waiting.get(key) ?? this.#sent.get(key);
  }

  keep(row: Row): void {
    const key = this.#options.keyOf(row);
    const known = this.#waiting.get(key);
    this.#waiting.set(key, known === undefined ? row : this.#options.merged(known, row));
    this.#waitingOwners.add(this.#options.ownerOf(row));
  }

  /** Resolves when all rows that were kept before this call were saved, or could not be. Calls during a save share the next one. */
  save(): Promise<void> {
    if (this.#saving && this.#isSoon) return this.#saving;
    this.#isSoon = true;
    const saving: Promise<void> = this.#saveAfter(this.#saving).then(() => {
      if (this.#saving === saving) this.#saving = null;
    });
    this.#saving = saving;
    return saving;
  }

  /** The store has another history: drops what is of the old one. Only the statement that is on its way may still be stored. */
  forget(): void {
    this.#history++;
    this.#waiting = new Map();
    this.#waitingOwners = new Set();
  }

  async #saveAfter(before: Promise<void> | null): Promise<void> {
    await before;
    this.#isSoon = false;
    const history = this.#history;
    const { save: saveRows, refused, failed } = this.#options;
    const save = async (rows: readonly Row[]) => {
      if (history === this.#history) await saveRows(rows);
    };
    const rows = this.#take();
    const left = await storeRows({ rows, atOnce: rowsAtOnce, save, refused: (_, error) => refused(error) });
    this.#sent = new Map();
    this.#sentOwners = new Set();
    if (!left) return;
    failed(left);
    if (history === this.#history) this.#keepSome(left.rows);
  }

  #take(): readonly Row[] {
    this.#sent = this.#waiting;
    this.#sentOwners = this.#waitingOwners;
    this.#waiting = new Map();
    this.#waitingOwners = new Set();
    return [...this.#sent.values()];
  }

  #keepSome(rows: readonly Row[]): void {
    for (const row of rows) if (this.#waiting.size < this.#options.maxLeft) this.keep(row);
  }
}
