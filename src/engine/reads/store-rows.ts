import { StoreTimedOut, StoreUnavailable } from "../../core/ports/store-errors.ts";
import { bindProblem, Unbindable } from "./bindable.ts";

/** If the store refuses more rows than this and takes none in between, the rows are not the reason. */
const maxRefusedInARow = 10;
/** Statements that took too long before the store is given up: enough to find the slow row among a thousand. */
const maxTimeouts = 10;

interface Rows<Row> {
  readonly rows: readonly Row[];
  /** The most rows of one statement. */
  readonly atOnce: number;
  readonly save: (rows: readonly Row[]) => Promise<void>;
  /** Called for a row that the store refuses for what it holds; it is not tried again. */
  readonly refused: (row: Row, error: unknown) => void;
}

/** Rows that wait for the next time, and why; null: all were stored or refused. */
export interface NotStored<Row> {
  readonly rows: readonly Row[];
  readonly error: unknown;
}

/**
 * Stores rows, many in one statement. Rows that the store cannot take are refused before (`bindProblem`); a statement that fails for its data
 * or its time is halved until the guilty row is found, so that one bad row fails no other. A slow row is left for the next attempt. Ends at
 * the first sign that the store is away. Never rejects.
 */
export async function storeRows<Row>(given: Rows<Row>): Promise<NotStored<Row> | null> {
  const attempt = new Attempt(given);
  /** The next one last. */
  const waiting = statementsOf(attempt.bindable(), given.atOnce);
  for (let some = waiting.pop(); some; some = waiting.pop()) {
    const error = await failureOf(given.save(some));
    if (error === null) attempt.stored();
    else if (attempt.isOver(error)) return attempt.leave([...some, ...waiting.reverse().flat()], error);
    else if (some.length > 1) waiting.push(...halvesOf(some));
    else attempt.failed(some[0]!, error);
  }
  return attempt.left;
}

/** The state of one attempt to store rows. */
class Attempt<Row> {
  readonly #given: Rows<Row>;
  readonly #slow: Row[] = [];
  #refusedInARow = 0;
  #timeouts = 0;
  #error: unknown = null;

  constructor(given: Rows<Row>) {
    this.#given = given;
  }

  /** Refuses the other rows. */
  bindable(): readonly Row[] {
    return this.#given.rows.filter((row) => {
      const problem = bindProblem(row);
      if (problem !== null) this.#given.refused(row, new Unbindable(problem));
      return problem === null;
    });
  }

  stored(): void {
    this.#refusedInARow = 0;
  }

  /** Counts the error. Returns whether the attempt ends with it. */
  isOver(error: unknown): boolean {
    if (error instanceof StoreTimedOut) return ++this.#timeouts > maxTimeouts;
    return error instanceof StoreUnavailable || this.#refusedInARow >= maxRefusedInARow;
  }

  /** A statement with this row only has failed. */
  failed(row: Row, error: unknown): void {
    if (error instanceof StoreTimedOut) {
      this.#slow.push(row);
      this.#error = error;
      return;
    }
    this.#refusedInARow++;
    this.#given.refused(row, error);
  }

  leave(rows: readonly Row[], error: unknown): NotStored<Row> {
    return { rows: [...this.#slow, ...rows], error };
  }

  get left(): NotStored<Row> | null {
    return this.#slow.length === 0 ? null : { rows: this.#slow, error: this.#error };
  }
}

function statementsOf<Row>(rows: readonly Row[], atOnce: number): (readonly Row[])[] {
  const statements: (readonly Row[])[] = [];
  for (let from = 0; from < rows.length; from += atOnce) statements.unshift(rows.slice(from, from + atOnce));
  return statements;
}

function halvesOf<Row>(rows: readonly Row[]): readonly [second: readonly Row[], first: readonly Row[]] {
  const middle = Math.ceil(rows.length / 2);
  return [rows.slice(middle), rows.slice(0, middle)];
}

async function failureOf(saving: Promise<void>): Promise<unknown> {
  try {
    await saving;
    return null;
  } catch (error) {
    return error ?? new Error("unknown");
  }
}
