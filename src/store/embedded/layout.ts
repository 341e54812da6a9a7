import { join } from "node:path";

/** What a data directory holds. `database` is PostgreSQL's own, complete or absent; the rest is ours. */
export interface Layout {
  readonly root: string;
  readonly ownerLock: string;
  readonly postgresLock: string;
  readonly database: string;
  readonly databaseInWork: string;
  readonly log: string;
  readonly formerLog: string;
  readonly socket: string;
  readonly socketRecord: string;
  /** Who may connect, and as which role: `pg_hba.conf` and `pg_ident.conf`. */
  readonly access: string;
  readonly accessNames: string;
  /** With which `dev` signs its tokens. */
  readonly devKey: string;
}

export function layoutOf(root: string): Layout {
  return {
    root,
    ownerLock: join(root, "owner.lock"),
    postgresLock: join(root, "postgres.lock"),
    database: join(root, "data"),
    databaseInWork: join(root, "data.new"),
    log: join(root, "postgres.log"),
    formerLog: join(root, "postgres.log.1"),
    socket: join(root, "socket"),
    socketRecord: join(root, "socket-directory"),
    access: join(root, "pg_hba.conf"),
    accessNames: join(root, "pg_ident.conf"),
    devKey: join(root, ".dev-key.json"),
  };
}
