import type pg from "pg";
import type { Migration } from "./migrations.ts";

/** What a step back down destroys: a table, a column, or rows that the schema below has no place for. */
export interface Loss {
  readonly table: string;
  /** Null: the table itself, or some of its rows. */
  readonly column: string | null;
  /** Which rows, as SQL; null: all. */
  readonly where: string | null;
  /** That hold something. */
  readonly rows: number;
  /** On disk, with indexes, for a table; as stored, for a column; null: not counted. */
  readonly bytes: number | null;
}

type Named = Pick<Loss, "table" | "column" | "where">;

/** Counts what these steps destroy. It reads what goes: that takes as long as the tables are large. */
export async function lossesOf(client: pg.ClientBase, steps: readonly Migration[]): Promise<readonly Loss[]> {
  const losses: Loss[] = [];
  for (const named of namedIn(steps)) losses.push(await counted(client, named));
  return losses;
}

/** A table that goes as a whole takes its columns and rows with it. */
function namedIn(steps: readonly Migration[]): readonly Named[] {
  const all = steps.flatMap(({ down }) => statementsIn(down).flatMap(namedBy));
  const dropped = new Set(
    all.filter(({ column, where }) => column === null && where === null).map(({ table }) => table),
  );
  return all.filter(({ table, column, where }) => !dropped.has(table) || (column === null && where === null));
}

function statementsIn(sql: string): readonly string[] {
  return sql.replace(/--.*$/gm, "").split(";");
}

function namedBy(statement: string): readonly Named[] {
  const whole = /^\s*drop table (?:if exists )?(\w+)/i.exec(statement)?.[1];
  if (whole) return [{ table: whole, column: null, where: null }];
  const [, from, where] = /^\s*delete from (\w+)(?:\s+where\s+([\s\S]+))?$/i.exec(statement) ?? [];
  if (from) return [{ table: from, column: null, where: where?.trim() ?? "true" }];
  const altered = /^\s*alter table (?:only )?(\w+)/i.exec(statement)?.[1];
  if (!altered) return [];
  const columns = statement.matchAll(/\bdrop column (?:if exists )?(\w+)/gi);
  return [...columns].map(([, column]) => ({ table: altered, column: column!, where: null }));
}

async function counted(client: pg.ClientBase, named: Named): Promise<Loss> {
  const { table, column, where } = named;
  const { rows } = await client.query<{ rows: string; bytes: string | null }>(
    column === null
      ? `select count(*) as rows, ${where === null ? sizeOf(table) : "null::int8"} as bytes from ${table} where ${where ?? "true"}`
      : `select count(${column}) as rows, coalesce(sum(pg_column_size(${column})), 0)::int8 as bytes from ${table}`,
  );
  const { rows: count, bytes } = rows[0]!;
  return { ...named, rows: Number(count), bytes: bytes === null ? null : Number(bytes) };
}

function sizeOf(table: string): string {
  return `(select sum(pg_total_relation_size(relation)) from (
    select relid as relation from pg_partition_tree('${table}') union select '${table}'::regclass) parts)::int8`;
}
