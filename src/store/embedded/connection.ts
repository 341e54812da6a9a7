import { resolve } from "node:path";
import { layoutOf } from "./layout.ts";
import { EmbeddedRefusal } from "./refusal.ts";
import { applicationRole, databaseName, maintenanceDatabase, superuser } from "./role-names.ts";
import { recordedPlace } from "./socket-directory.ts";

/** As `pg` takes it: the host is the directory of the Unix socket. */
export interface EmbeddedConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export function connectionAt(socketDirectory: string): EmbeddedConnection {
  return { host: socketDirectory, port: 5432, user: applicationRole, database: databaseName };
}

export function superuserAt(socketDirectory: string, database: string): EmbeddedConnection {
  return { host: socketDirectory, port: 5432, user: superuser, database };
}

/** For `psql` and others that read libpq's addresses; `host` in the query wins over the host before it, and PGPORT is not asked. */
export function urlOf({ host, port, user, database }: EmbeddedConnection): string {
  return `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
}

/** Where the database of that directory listens now, from any process. Throws `not_running`. */
export function embeddedUrl(dataDir: string): string {
  const { socketDirectory, role } = placeOf(dataDir);
  return urlOf({ ...connectionAt(socketDirectory), user: role });
}

/** The same with every right, for backups and for repairs by hand. */
export function embeddedSuperuserUrl(dataDir: string, database = maintenanceDatabase): string {
  return urlOf(superuserAt(placeOf(dataDir).socketDirectory, database));
}

/** One that an earlier version started has no role but the superuser. */
function placeOf(dataDir: string): { readonly socketDirectory: string; readonly role: string } {
  const place = recordedPlace(layoutOf(resolve(dataDir)));
  if (place !== null) return { socketDirectory: place.directory, role: place.role ?? superuser };
  throw new EmbeddedRefusal({
    code: "not_running",
    directory: resolve(dataDir),
    problem: "no embedded PostgreSQL runs on it",
    wayOut: "Start whispr-msg with this WHISPR_DATA_DIR first",
  });
}
