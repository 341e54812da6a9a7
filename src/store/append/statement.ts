import type { Batch } from "../../core/ports/commit.ts";
import { hasRelations } from "../reads/message-rows.ts";
import type { Rows } from "./batch.ts";
import { int2Array, int8Array } from "./binary-array.ts";
import { rowsFrom, type Shape, widthOf } from "./column.ts";
import { headColumns, headParameters, headsSql } from "./heads.ts";
import { markedColumn, markParameters, marksSql, marksWidth } from "./marks.ts";
import { messageColumns, messageParameters, messagesSql } from "./messages.ts";
import type { Table } from "./table.ts";
import { tables } from "./tables.ts";
import type { Variant } from "./variant.ts";

interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface AppendQuery extends Statement {
  readonly values: (Buffer | string)[];
}

interface Given {
  readonly epochOf: (shard: number) => number;
  /** Until then a key may be in force that names no device. */
  readonly untaggedUntilUs: number;
}

/** Returns the statement that stores these rows and the marks of the batch, with its parameters in the order of its parts. */
export function queryOf(
  rows: Rows,
  { marks, atUs }: Batch,
  { epochOf, untaggedUntilUs }: Given,
): AppendQuery {
  const variant: Variant = {
    tables: rows.tables !== null,
    relations: rows.sent.some(hasRelations),
    marks: marks.length > 0,
    untagged: atUs < untaggedUntilUs,
  };
  const values: (Buffer | string)[] = [
    int2Array(rows.shards),
    int8Array(rows.shards.map(epochOf)),
    ...headParameters(rows.heads, variant),
    ...messageParameters(rows.sent, variant),
  ];
  if (rows.tables) for (const table of rows.tables) values.push(...table.parameters());
  if (variant.marks) values.push(...markParameters(marks, atUs));
  return { ...statementOf(variant), values };
}

const statements: Statement[] = [];

function statementOf(variant: Variant): Statement {
  const index =
    (variant.tables ? 1 : 0) |
    (variant.relations ? 2 : 0) |
    (variant.marks ? 4 : 0) |
    (variant.untagged ? 8 : 0);
  statements[index] ??= { name: nameOf(variant), text: textOf(variant) };
  return statements[index];
}

function nameOf(variant: Variant): string {
  const names = (Object.keys(variant) as (keyof Variant)[]).filter((part) => variant[part]);
  return ["append", ...names].join("-");
}

/**
 * Fence, then heads, then everything that has a rev joins the heads that moved. This order was proved against all interleavings with
 * take-overs (one statement, READ COMMITTED). The fence never looks at a clock. Marks have no rev: the fence alone decides over them.
 */
function textOf(variant: Variant): string {
  const parameters = new Parameters();
  const fence = fenceSql(parameters.take(fenceShape));
  const firstHead = parameters.take(headColumns(variant));
  const stored = messagesSql(parameters.take(messageColumns(variant)), variant);
  const rare = variant.tables ? tables.map((table) => tableSql(table, parameters)) : [];
  const marks = variant.marks ? [marksSql(parameters.takeWidth(marksWidth), isHeld)] : [];
  const expressions = [fence, headsSql(firstHead, variant, isHeld), ...rare, stored, ...marks];
  return `with ${expressions.join(",")}
select
  case when ${isHeld} then null
    else (select coalesce(array_agg(shard), '{}') from fence) end as held,
  case when (select count(*) from heads) = cardinality($${firstHead}::uuid[]) then null
    else (select coalesce(array_agg(conversation_id::text), '{}') from heads) end as moved${variant.marks ? `,\n  ${markedColumn} as marked` : ""}`;
}

function tableSql(table: Table, parameters: Parameters): string {
  const from = Object.entries(table.inputs).map(([alias, columns]) => [
    alias,
    rowsFrom(parameters.take(columns), alias, columns),
  ]);
  return table.sql(Object.fromEntries(from));
}

/** Numbers the parameters of a statement. */
class Parameters {
  #next = 1;

  /** Returns the number of the first of these columns. */
  take(columns: Shape): number {
    return this.takeWidth(widthOf(columns));
  }

  takeWidth(width: number): number {
    this.#next += width;
    return this.#next - width;
  }
}

/** The fence has all shards of the batch. */
const isHeld = "(select count(*) from fence) = cardinality($1::int2[])";

const fenceShape = { shard: { type: "int2" }, epoch: { type: "int8" } } as const;

function fenceSql(first: number): string {
  return `
fence as materialized (
  select o.shard from conversation_ownership o
  join ${rowsFrom(first, "h", fenceShape)} on o.shard = h.shard and o.epoch = h.epoch
  order by o.shard for key share of o skip locked
)`;
}
