/** The columns of rows that travel as one array each: their names and types, in the order of the parameters. */
export type Shape = Readonly<Record<string, string>>;

/** Rows as the statement sees them, their parameters numbered from `first`: `unnest($1::uuid[], $2::int8[]) alias(id, seq)`. */
export function rowsOf(first: number, alias: string, shape: Shape): string {
  const arrays = Object.values(shape).map((type, index) => `$${first + index}::${type}[]`);
  return `unnest(${arrays.join(", ")}) ${alias}(${Object.keys(shape).join(", ")})`;
}

export function widthOf(shape: Shape): number {
  return Object.keys(shape).length;
}
