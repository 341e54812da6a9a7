import type pg from "pg";
import { withClient } from "../connections/database.ts";
import { findSharedSessions } from "../connections/session-checks.ts";

/** A database on which the promises could not be kept; the text says what to change. */
export class StoreRefusal extends Error {}

export interface DatabaseFacts {
  readonly version: number;
  /** A standby: it can only be read. */
  readonly isStandby: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

const wanted = [
  "server_version_num",
  "server_encoding",
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "max_connections",
  "synchronous_standby_names",
];

/** What `doctor` shows and `serve` checks. Throws when the database cannot be reached. */
export async function readDatabaseFacts(url: string): Promise<DatabaseFacts> {
  const settings = { url, connectTimeoutMs: 5_000, statementTimeoutMs: 10_000 };
  return withClient(settings, "check", async (client) => {
    const { rows } = await client.query<{ name: string; setting: string; standby: boolean }>(
      "select name, setting, pg_is_in_recovery() as standby from pg_settings where name = any ($1)",
      [wanted],
    );
    const settings = Object.fromEntries(rows.map((row) => [row.name, row.setting]));
    const version = Math.floor(Number(settings.server_version_num) / 10_000);
    return { version, isStandby: rows[0]?.standby ?? false, settings };
  });
}

/** Every reason not to serve on this database, in words; none: it is good. */
export function refusalsOf(facts: DatabaseFacts): readonly string[] {
  const { settings, version, isStandby } = facts;
  const refusals = [readOnly(isStandby), tooOld(version), notUtf8(settings.server_encoding)].filter(
    (text) => text !== null,
  );
  if (settings.fsync === "off")
    refusals.push("fsync is off: an acknowledged message could be lost. Set fsync = on.");
  if (settings.synchronous_commit === "off")
    refusals.push(
      "synchronous_commit is off: an acknowledged message could be lost. Set synchronous_commit = on.",
    );
  return refusals;
}

/** Throws a `StoreRefusal` when no version of the schema can be on this server. */
export async function refuseServer(
  client: pg.ClientBase,
  purpose: "to be read" | "to be written",
): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string; standby: boolean }>(
    `select current_setting('server_version_num')::int / 10000 as version, pg_is_in_recovery() as standby,
       current_setting('server_encoding') as encoding`,
  );
  const { version, standby, encoding } = rows[0]!;
  const refusals = [
    tooOld(version),
    ...(purpose === "to be written" ? [readOnly(standby), notUtf8(encoding)] : []),
  ];
  const found = refusals.filter((text) => text !== null);
  if (found.length > 0) throw new StoreRefusal(found.join("\n"));
}

function tooOld(version: number): string | null {
  return version < 15 ? `PostgreSQL ${version} is too old: 15 or newer is needed.` : null;
}

function readOnly(isStandby: boolean): string | null {
  return isStandby ? "The database is a standby, which can only be read: name its primary." : null;
}

function notUtf8(encoding: string | undefined): string | null {
  return encoding === "UTF8"
    ? null
    : `The database's encoding is ${encoding}: UTF8 is needed (create database … encoding 'UTF8' template template0).`;
}

/** Throws a `StoreRefusal` that names everything that is wrong. */
export async function checkDatabase(url: string): Promise<void> {
  const refusals = [...refusalsOf(await readDatabaseFacts(url))];
  const shared = await findSharedSessions(url);
  if (shared) refusals.push(shared.text);
  if (refusals.length > 0) throw new StoreRefusal(refusals.join("\n"));
}
