import type pg from "pg";
import { withClient } from "../connections/database.ts";

/** Asks for rows within one snapshot. */
export type Ask = <Row extends pg.QueryResultRow>(
  text: string,
  ...values: readonly unknown[]
) => Promise<Row[]>;

/** A part of what there may be much of. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** An operator waits longer than a client does; what takes longer is ended by the database. */
const statementTimeoutMs = 60_000;

/** All reads see the same moment and change nothing. Rejects when the connection is lost. */
export async function inSnapshot<T>(url: string, read: (ask: Ask) => Promise<T>): Promise<T> {
  const settings = { url, connectTimeoutMs: 5_000, statementTimeoutMs };
  return withClient(settings, "admin", async (client) => {
    await client.query("begin isolation level repeatable read read only");
    return read(async (text, ...values) => (await client.query(text, [...values])).rows);
  });
}

/** A column as clients see instants. */
export function instant(column: string): string {
  return `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
