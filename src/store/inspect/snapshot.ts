import type pg from "pg";
import { openClient } from "../database.ts";

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
  const settings = { url, poolSize: 1, connectTimeoutMs: 5_000, statementTimeoutMs };
  const client = await openClient(settings, "admin", () => {});
  try {
    await client.query("begin isolation level repeatable read read only");
    return await read(async (text, ...values) => (await client.query(text, [...values])).rows);
  } finally {
    await client.end();
  }
}

/** A column as clients see instants. */
export function instant(column: string): string {
  return `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
