import type pg from "pg";
import { formatInstant } from "../core/instant.ts";
import { withClient } from "./connections/database.ts";
import { isOwned } from "./ownership/owner-lock.ts";

/** On which a server hears that something was blocked or unblocked. */
export const blocksChannel = "whispr_blocks";

/** One user says of another one that he is blocked, or no more. */
export interface BlockChange {
  readonly blockerId: string;
  readonly blockedId: string;
  readonly isBlocked: boolean;
  readonly atUs: number;
}

/** Whether the conversation of the two follows already; if not, who will see to it. */
export type Followed = "applied" | "server_is_late" | "no_server";

const pollMs = 50;

/**
 * Says it, and waits until a running server has applied it, at most `waitMs`. What is said is kept, and is applied at the latest when a server
 * starts. Saying it again changes nothing. Rejects when the database cannot be reached.
 */
export async function changeBlock(url: string, change: BlockChange, waitMs: number): Promise<Followed> {
  const settings = { url, connectTimeoutMs: 5_000, statementTimeoutMs: 0 };
  return withClient(settings, "admin", async (client) => {
    await say(client, change);
    return untilApplied(client, change, waitMs);
  });
}

/** Locks the pair's row, or makes it: whoever is about to begin a conversation of the two waits for it, or is waited for. */
async function say(client: pg.Client, change: BlockChange): Promise<void> {
  const [low, high] = pairOf(change);
  const since = change.blockerId === low ? "low_blocks_since" : "high_blocks_since";
  const then = change.isBlocked ? `coalesce(p.${since}, excluded.${since})` : "null";
  await client.query(
    `with said as (
      insert into direct_pairs as p (low_id, high_id, ${since}, is_pending) values ($1, $2, $3, true)
      on conflict (low_id, high_id) do update set ${since} = ${then}, is_pending = true
      returning 1)
    select pg_notify('${blocksChannel}', '') from said`,
    [low, high, change.isBlocked ? formatInstant(change.atUs) : null],
  );
}

async function untilApplied(client: pg.Client, change: BlockChange, waitMs: number): Promise<Followed> {
  for (let waitedMs = 0; waitedMs <= waitMs; waitedMs += pollMs) {
    const { rows } = await client.query<{ applied: boolean; owned: boolean }>(
      `select not is_pending as applied, ${isOwned} as owned from direct_pairs where low_id = $1 and high_id = $2`,
      [...pairOf(change)],
    );
    if (rows[0]!.applied) return "applied";
    if (!rows[0]!.owned) return "no_server";
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return "server_is_late";
}

function pairOf({ blockerId, blockedId }: BlockChange): readonly [string, string] {
  return blockerId < blockedId ? [blockerId, blockedId] : [blockedId, blockerId];
}
