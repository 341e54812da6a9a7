/** The steps of a process that becomes the owner, on its own session, in the order of the functions here. */
import type pg from "pg";
import { takeAll } from "../append/fence.ts";
import { endUntagged } from "../append/untagged-keys.ts";
import { schemaProblem } from "../schema/migrator.ts";
import { ownerLockKey } from "./owner-lock.ts";

/** False: another session holds the lock. */
export async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_try_advisory_lock(${ownerLockKey}) as locked`,
  );
  return rows[0]?.locked === true;
}

/**
 * Returns why `binary` cannot serve on the schema, and frees the lock then; null: it can. Since this process started, the schema may have been
 * migrated up or down. Unsafe migrations hold the lock while they run.
 */
export async function unfitSchema(client: pg.Client, binary: string): Promise<string | null> {
  const problem = await schemaProblem(client, binary);
  if (problem !== null) await client.query(`select pg_advisory_unlock(${ownerLockKey})`);
  return problem;
}

/** Takes every shard at once with new epochs, which it returns. */
export async function takeShards(
  client: pg.Client,
  nodeId: string,
): Promise<pg.QueryResult<{ shard: number; epoch: number }>> {
  const taken = await client.query(takeAll, [nodeId]);
  await client.query(endUntagged);
  return taken;
}
