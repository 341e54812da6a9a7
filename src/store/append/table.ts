import type { Event } from "../../core/events.ts";
import type { Shape } from "./column.ts";

/**
 * What a batch stores besides messages: one object for each table. A feature with a table of its own adds one of these, and one line in
 * `tables.ts`. The statement, its parameters and the rows of a batch are loops over that list.
 */
export interface Table<Alias extends string = string> {
  /** The columns of its rows, by the alias that the SQL gives them. */
  readonly inputs: Readonly<Record<Alias, Shape>>;
  /**
   * Returns the common table expressions that store the rows. `from` has the rows of each input as `unnest(...) alias(...)`. Each must join
   * `heads`: a conversation whose head did not move stores nothing.
   */
  sql(from: Readonly<Record<Alias, string>>): string;
  /** Returns an empty set of rows, for one batch. */
  collect(): TableRows;
}

/** The rows that a batch has for a table. One statement cannot write a row twice: what changes again replaces what it was before. */
export interface TableRows {
  /** Takes what the event changes in this table. Events come in the order in which they were decided. */
  add(event: Event): void;
  /** Returns one parameter for each column, in the order of the table's inputs. */
  parameters(): readonly Buffer[];
}
