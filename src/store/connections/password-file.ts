import pgpass from "pgpass";
import type { PgAddress } from "./pg-address.ts";

/**
 * Reads the password from the file that PGPASSFILE names, or `~/.pgpass`, when the address has none and the server asks for one, as libpq does.
 * `pg` does so itself until its version 9, but warns on stderr.
 */
export function withPasswordFile(
  address: PgAddress,
): Omit<PgAddress, "password"> & { readonly password: string | (() => Promise<string>) } {
  return { ...address, password: address.password ?? process.env.PGPASSWORD ?? (() => passwordOf(address)) };
}

function passwordOf({ host, port, user: named, database }: PgAddress): Promise<string> {
  const user = named ?? process.env.PGUSER ?? process.env.USER;
  return new Promise((resolve) => {
    // Undefined if there is none: `pg` then fails with an error that says that the server asked for a password.
    pgpass({ host, port, user, database }, (password) => resolve(password as string));
  });
}
