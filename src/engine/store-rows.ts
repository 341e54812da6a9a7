import { StoreUnavailable } from "../core/ports/store.ts";

/** A store that refuses more rows than this has another trouble than the rows. */
const maxRefused = 10;

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
 * Stores rows, many in one statement. A statement that fails for its data is halved until the guilty row is found, so that one bad row
 * costs no other. Ends at the first sign that the store is away. Never rejects.
 */
export async function storeRows<Row>({
  rows,
  atOnce,
  save,
  refused,
}: Rows<Row>): Promise<NotStored<Row> | null> {
  /** The next one last. */
  const waiting: (readonly Row[])[] = [];
  for (let from = 0; from < rows.length; from += atOnce) waiting.unshift(rows.slice(from, from + atOnce));
  let refusals = 0;
  for (let some = waiting.pop(); some; some = waiting.pop()) {
    const error = await failureOf(save(some));
    if (error === null) continue;
    const [only] = some;
    if (error instanceof StoreUnavailable || refusals >= maxRefused)
      return { rows: [...some, ...waiting.reverse().flat()], error };
    if (some.length > 1) waiting.push(...halvesOf(some));
    else {
      refusals++;
      refused(only!, error);
    }
  }
  return null;
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
