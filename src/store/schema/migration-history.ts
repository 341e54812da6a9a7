import type pg from "pg";
import { tablePlace } from "../connections/session-settings.ts";
import { type Migration, migrations } from "./migrations.ts";

/** A schema that this binary must not touch or cannot reach; the text says what to do. */
export class MigrationRefusal extends Error {}

export interface HistoryRow {
  readonly version: number;
  readonly name: string;
  readonly oldest_binary: string;
  /** ISO 8601, in UTC. */
  readonly applied_at: string;
}

const columns = ["applied_at", "name", "oldest_binary", "version"];

const historyTable = `
create table if not exists schema_migrations (
  version integer primary key, name text not null, oldest_binary text not null, applied_at timestamptz not null default now())`;

/** Stages of a step that are done while others are not; it exists only meanwhile. */
export const stagesTable = "schema_migrations_stages";

const wayOut =
  "Nothing was changed. Give whispr-msg a database of its own (create database whispr), or a schema of its own (create schema whispr, and options=-c%20search_path%3Dwhispr in DATABASE_URL)";

export async function makeHistory(client: pg.ClientBase): Promise<void> {
  await client.query(historyTable);
}

/** The steps that were applied, oldest first; none: there is no history. @throws MigrationRefusal when it is another program's */
export async function readHistory(client: pg.ClientBase): Promise<readonly HistoryRow[]> {
  const { rows: found } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = to_regclass('schema_migrations') and attnum > 0 and not attisdropped order by attname`,
  );
  if (found.length === 0) {
    await refuseTablesElsewhere(client);
    return [];
  }
  const names = found.map(({ name }) => name);
  if (columns.some((column) => !names.includes(column))) {
    throw new MigrationRefusal(
      `The table schema_migrations of this database is another program's (columns: ${names.join(", ")}). ${wayOut}.`,
    );
  }
  const { rows } = await client.query<HistoryRow>(
    `select version, name, oldest_binary, to_char(applied_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as applied_at
     from schema_migrations order by version`,
  );
  return rows;
}

/** Whether a relation is where the session looks, and the role may not. */
const isBarred = `(not has_schema_privilege(relnamespace, 'usage') and relnamespace::regnamespace::text in (
  select case trim(each) when '"$user"' then quote_ident(current_user) else trim(each) end
  from unnest(string_to_array(current_setting('search_path'), ',')) each))`;

/**
 * Throws a `MigrationRefusal` when the tables are in a schema that this role may not use, or that only the role's or the database's own
 * `search_path` names: those do not count for us, and an empty schema beside the tables would look like the loss of everything.
 */
async function refuseTablesElsewhere(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ schema: string; isBarred: boolean }>(
    `select relnamespace::regnamespace::text as schema, ${isBarred} as "isBarred" from pg_class
     where relname in ('conversation_heads', 'conversation_ownership', 'schema_migrations') and relkind = 'r'
       and (current_setting('search_path') = $1 or ${isBarred})
     group by relnamespace having count(*) = 3`,
    [tablePlace.value],
  );
  if (rows.length === 0) return;
  const barred = rows.filter(({ isBarred }) => isBarred).map(({ schema }) => schema);
  if (barred.length > 0) {
    throw new MigrationRefusal(
      `This role may not use the schema of whispr-msg's tables (${barred.join(", ")}). Grant it (grant usage on schema ${barred[0]!} to …), or connect as the owner of the tables.`,
    );
  }
  const schemas = rows.map(({ schema }) => schema).join(", ");
  throw new MigrationRefusal(
    `The tables of whispr-msg are in another schema (${schemas}) than where it looks (${tablePlace.value}). Nothing was changed. Name the schema in DATABASE_URL, as options=-c%20search_path%3D${rows[0]!.schema}; for new tables beside those, name public.`,
  );
}

/** How many stages of a step are done; 0: none, or all and it is in the history. */
export async function stagesDone(client: pg.ClientBase, version: number): Promise<number> {
  const { rows: tables } = await client.query(
    `select from pg_class where oid = to_regclass('${stagesTable}')`,
  );
  if (tables.length === 0) return 0;
  const { rows } = await client.query<{ done: number }>(
    `select done from ${stagesTable} where version = $1`,
    [version],
  );
  return rows[0]?.done ?? 0;
}

/** Throws a `MigrationRefusal` when something else has a name that one of these steps gives, before anything is changed. */
export async function refuseTakenNames(client: pg.ClientBase, steps: readonly Migration[]): Promise<void> {
  const names: string[] = [];
  for (const step of steps) {
    // What a step made before it was cut short is ours.
    if ((await stagesDone(client, step.version)) === 0) names.push(...namesMadeBy(step));
  }
  const { rows } = await client.query<{ name: string; schema: string }>(
    `select name, relnamespace::regnamespace::text as schema from unnest($1::text[]) name
     join pg_class on pg_class.oid = to_regclass(quote_ident(name)) order by name`,
    [names],
  );
  if (rows.length === 0) return;
  const taken = rows.map(({ name, schema }) => `${schema}.${name}`).join(", ");
  throw new MigrationRefusal(
    `The database has tables or indexes of another program with names that whispr-msg needs: ${taken}. ${wayOut}.`,
  );
}

/** Tables, views and indexes that a step makes, less those that an earlier step made and this one makes anew. */
function namesMadeBy(step: Migration): readonly string[] {
  const earlier = new Set(
    migrations.filter(({ version }) => version < step.version).flatMap(({ up }) => namesIn(up)),
  );
  return namesIn(step.up).filter((name) => !earlier.has(name));
}

function namesIn(sql: string): readonly string[] {
  const made = /^\s*create (?:unique )?(?:table|view|index)(?: concurrently)?(?: if not exists)? (\w+)/gim;
  return [...sql.matchAll(made)].map(([, name]) => name!);
}
