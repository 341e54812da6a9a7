import type { Fields } from "../core/ports/observer.ts";
import { withClient } from "./connections/database.ts";

/** The channel on which servers receive the commands that are run on their database. */
export const adminChannel = "whispr_admin";

/** Who ran what. Texts that are too long are cut. */
export interface AdminNote {
  /** As it is typed, without its arguments: `admin block`. */
  readonly command: string;
  /** Ids and numbers that it was run on; empty: the whole database. */
  readonly target: string;
  /** By the uid; empty: it has no name. */
  readonly os_user: string;
  /** -1 where the system has none. */
  readonly uid: number;
  readonly host: string;
  readonly database: string;
}

/** A NOTIFY takes 8,000 bytes. */
const maxLength = 200;

/** Also writes to the log of PostgreSQL, which records it when no server listens. */
const note = `
do $$ begin
  perform pg_notify('${adminChannel}', current_setting('whispr.admin_note'));
  raise log 'whispr-msg admin_command: %', current_setting('whispr.admin_note');
end $$`;

/**
 * Reports to the servers of this database, and to the log of PostgreSQL, that a command is run on it. This is no proof: the process that runs
 * the command names its own user, and somebody who can connect as this role can also leave the report out.
 */
export async function noteAdminCommand(url: string, given: AdminNote): Promise<void> {
  const settings = { url, connectTimeoutMs: 5_000, statementTimeoutMs: 5_000 };
  const text = JSON.stringify(given, (_, value) => (typeof value === "string" ? cut(value) : value));
  await withClient(settings, "admin", async (client) => {
    await client.query("select set_config('whispr.admin_note', $1, false)", [text]);
    await client.query(note);
  });
}

/** Returns the fields of a notification; null: it is not from `noteAdminCommand`. Anybody who may connect to the database can send one. */
export function readAdminNote(text: string): Fields | null {
  const given: unknown = parsed(text);
  if (typeof given !== "object" || given === null) return null;
  const { command, target, os_user, uid, host, database } = given as Record<string, unknown>;
  const texts = { command, target, os_user, host, database };
  if (Object.values(texts).some((value) => typeof value !== "string") || typeof uid !== "number") return null;
  return { ...(texts as Record<string, string>), uid };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function cut(text: string): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…`.toWellFormed() : text.toWellFormed();
}
