import pgpass from "pgpass";
import type { PgAddress } from "./pg-address.ts";

/**
 * An address without a password takes it from the file that PGPASSFILE names, or `~/.pgpass`, when the server asks for one, as libpq does. `pg`
 * does it by itself until its version 9, and warns of that on stderr.
 */
export function withPasswordFile(
  address: PgAddress,
): Omit<PgAddress, "password"> & { readonly password: string | (() => Promise<string>) } {
  return { ...address, password: address.password ?? process.env.PGPASSWORD ?? (() => passwordOf(address)) };
}

function passwordOf({ host, port, user: named, database }: PgAddress): Promise<string> {
  const user = named ?? process.env.PGUSER ?? process.env.USER;
  return new Promise((resolve) => {
    // Undefined where there is none: `pg` then says that the server asked for one, which is a failure with a sentence of its own.
    pgpass({ host, port, user, database }, (password) => resolve(password as string));
  });
}
