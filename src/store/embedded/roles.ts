import type pg from "pg";
import { withClient } from "../connections/database.ts";
import { superuserAt, urlOf } from "./connection.ts";
import {
  databaseName as database,
  maintenanceDatabase,
  applicationRole as role,
  superuser,
} from "./role-names.ts";

const timesMs = { connectTimeoutMs: 5_000, statementTimeoutMs: 60_000 };

/**
 * Makes sure that the application's role and its database are there, that the role may do nothing outside of the database, and that it owns all
 * that is in it but extensions. So a database that versions up to 0.4 made and served as superuser is served without. Each step is done or
 * not done; cut short, the next start does the rest.
 */
export async function prepareRoles(socketDirectory: string): Promise<void> {
  const settings = (name: string) => ({ url: urlOf(superuserAt(socketDirectory, name)), ...timesMs });
  await withClient(settings(maintenanceDatabase), "start", async (client) => {
    await client.query("set search_path = pg_catalog");
    await prepareRole(client);
    await prepareDatabase(client);
  });
  await withClient(settings(database), "start", async (client) => {
    await client.query("set search_path = pg_catalog");
    await client.query(takeOver);
  });
}

async function prepareRole(client: pg.Client): Promise<void> {
  const { rows } = await client.query("select from pg_roles where rolname = $1", [role]);
  const attributes = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls";
  await client.query(`${rows.length === 0 ? "create" : "alter"} role ${role} ${attributes}`);
}

async function prepareDatabase(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ owner: string }>(
    "select pg_get_userbyid(datdba) as owner from pg_database where datname = $1",
    [database],
  );
  if (rows.length === 0) await client.query(`create database ${database} owner ${role}`);
  else if (rows[0]!.owner !== role) await client.query(`alter database ${database} owner to ${role}`);
}

/**
 * In one statement, so all of it or nothing. `reassign owned` refuses what the first superuser owns. Indexes and sequences of columns follow
 * their tables, the types of rows and ranges as well; the schema `public` belongs to whoever owns the database.
 */
const takeOver = `do $$
declare command text;
begin
  for command in
    select format('alter table %s owner to ${role}', oid::regclass) from pg_class
    where ${isToMove("pg_class", "relowner", "relnamespace")} and relkind in ('r', 'p', 'v', 'm', 'f')
      or ${isToMove("pg_class", "relowner", "relnamespace")} and relkind = 'S' and ${isFree("pg_class", "ai")}
    union all
    select format('alter routine %s owner to ${role}', oid::regprocedure) from pg_proc
    where ${isToMove("pg_proc", "proowner", "pronamespace")}
    union all
    select format('alter type %s owner to ${role}', oid::regtype) from pg_type
    where ${isToMove("pg_type", "typowner", "typnamespace")} and typtype in ('d', 'e', 'r')
    union all
    select format('alter schema %I owner to ${role}', nspname) from pg_namespace
    where ${isToMove("pg_namespace", "nspowner", "oid")}
  loop
    execute command;
  end loop;
end $$`;

/** The superuser's, neither PostgreSQL's own nor part of an extension. */
function isToMove(catalog: string, owner: string, schema: string): string {
  const isOurs = `${schema}::regnamespace::text !~ '^(pg_|information_schema$)'`;
  return `(${owner} = '${superuser}'::regrole and ${isOurs} and ${isFree(catalog, "e")})`;
}

/** Goes with nothing else in these ways (`pg_depend.deptype`). */
function isFree(catalog: string, ways: string): string {
  return `not exists (select from pg_depend where classid = '${catalog}'::regclass and objid = ${catalog}.oid
    and objsubid = 0 and strpos('${ways}', deptype::text) > 0)`;
}
