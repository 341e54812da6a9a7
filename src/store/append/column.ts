import {
  boolArray,
  byteaArray,
  int2Array,
  int8Array,
  int8ArrayOfHalves,
  textArray,
  timestamptzArray,
  uuidArray,
} from "./binary-array.ts";

/** A column of rows that travel as one array parameter: its SQL type, and its values taken from the rows. */
export interface Column<Row> {
  readonly type: string;
  readonly encode: (rows: readonly Row[]) => Buffer;
}

/** Columns by name, in the order of their parameters. */
export type Columns<Row> = Readonly<Record<string, Column<Row>>>;

/**
 * Returns rows as the statement sees them, their parameters numbered from `first`:
 * `unnest($1::uuid[], $2::int8[]) alias(id, seq)`.
 */
export function rowsFrom(first: number, alias: string, columns: Shape): string {
  const arrays = Object.values(columns).map(({ type }, index) => `$${first + index}::${type}[]`);
  return `unnest(${arrays.join(", ")}) ${alias}(${Object.keys(columns).join(", ")})`;
}

/** Returns one parameter for each column. */
export function encode<Row>(columns: Columns<Row>, rows: readonly Row[]): Buffer[] {
  return Object.values(columns).map((column) => column.encode(rows));
}

export function widthOf(columns: Shape): number {
  return Object.keys(columns).length;
}

/** Names and types alone. */
export type Shape = Readonly<Record<string, { readonly type: string }>>;

export function uuid<Row>(of: (row: Row) => string | null): Column<Row> {
  return { type: "uuid", encode: (rows) => uuidArray(rows.map(of)) };
}

export function int2<Row>(of: (row: Row) => number): Column<Row> {
  return { type: "int2", encode: (rows) => int2Array(rows.map(of)) };
}

/** Integers up to 2^53. */
export function int8<Row>(of: (row: Row) => number | null): Column<Row> {
  return { type: "int8", encode: (rows) => int8Array(rows.map(of)) };
}

/** Each as `high` × 2^32 + `low`, beyond what a number holds. */
export function halves<Row>(
  of: (row: Row) => { readonly high: number; readonly low: number } | null,
): Column<Row> {
  return { type: "int8", encode: (rows) => int8ArrayOfHalves(rows.map(of)) };
}

export function bool<Row>(of: (row: Row) => boolean): Column<Row> {
  return { type: "bool", encode: (rows) => boolArray(rows.map(of)) };
}

export function text<Row>(of: (row: Row) => string | null): Column<Row> {
  return { type: "text", encode: (rows) => textArray(rows.map(of)) };
}

export function bytea<Row>(of: (row: Row) => string | null): Column<Row> {
  return { type: "bytea", encode: (rows) => byteaArray(rows.map(of)) };
}

/** Microseconds since the Unix epoch. */
export function timestamptz<Row>(of: (row: Row) => number | null): Column<Row> {
  return { type: "timestamptz", encode: (rows) => timestamptzArray(rows.map(of)) };
}
