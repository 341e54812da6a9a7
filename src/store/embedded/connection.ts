import { resolve } from "node:path";
import { layoutOf } from "./data-directory.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import { recordedSocketDirectory } from "./socket-directory.ts";

/** As `pg` takes it: the host is the directory of the Unix socket. */
export interface EmbeddedConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export const superuser = "whispr";
const databaseName = "whispr";

export function connectionAt(socketDirectory: string, database = databaseName): EmbeddedConnection {
  return { host: socketDirectory, port: 5432, user: superuser, database };
}

/** For `psql` and others that read libpq's addresses; `host` in the query wins over the host before it, and PGPORT is not asked. */
export function urlOf({ host, port, user, database }: EmbeddedConnection): string {
  return `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
}

/** Where the database of that directory listens now, from any process. Throws `not_running`. */
export function embeddedConnection(dataDir: string): EmbeddedConnection {
  const socketDirectory = recordedSocketDirectory(layoutOf(resolve(dataDir)));
  if (socketDirectory !== null) return connectionAt(socketDirectory);
  throw new EmbeddedRefusal({
    code: "not_running",
    directory: resolve(dataDir),
    problem: "no embedded PostgreSQL runs on it",
    wayOut: "Start whispr-msg with this WHISPR_DATA_DIR first",
  });
}

export function embeddedUrl(dataDir: string): string {
  return urlOf(embeddedConnection(dataDir));
}
