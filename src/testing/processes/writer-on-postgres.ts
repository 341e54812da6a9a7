import type { AppendOutcome, Batch } from "../../core/ports/commit.ts";
import { PostgresCommit } from "../../store/append/append.ts";
import { openPool, ReadPool } from "../../store/connections/database.ts";
import { PostgresConversationCreation } from "../../store/conversation-creation.ts";
import { newId } from "../../system.ts";
import { aBatch, startUs } from "../builders/changes.ts";
import { type MigratedDatabase, migratedDatabase } from "./migrated-database.ts";

/** The ports that write, on a database of their own, without an engine. */
export interface Writer {
  readonly database: MigratedDatabase;
  readonly commit: PostgresCommit;
  readonly reads: ReadPool;
  readonly creation: PostgresConversationCreation;
  /** Of the database at this moment. */
  readonly epochs: () => Promise<(shard: number) => number>;
  /** Appends at the present epochs. */
  readonly append: (batch: Partial<Batch>) => Promise<AppendOutcome>;
  /** A group; the first of its members owns it. */
  readonly aGroup: (size?: number) => Promise<{ readonly id: string; readonly members: readonly string[] }>;
  readonly close: () => Promise<void>;
}

export async function startWriter(given: Parameters<typeof migratedDatabase>[0] = {}): Promise<Writer> {
  const database = await migratedDatabase(given);
  const pool = openPool(database.settings, () => {});
  const reads = new ReadPool({ pool });
  const creation = new PostgresConversationCreation({ reads });
  const commit = new PostgresCommit({ settings: database.settings, onLost: () => {} });
  const epochs = () => epochsOf(database);
  return {
    database,
    commit,
    reads,
    creation,
    epochs,
    append: async (batch) => commit.append(aBatch(batch), await epochs()),
    aGroup: (size = 3) => aGroup(creation, size),
    async close() {
      await commit.close();
      await pool.end();
      await database.close();
    },
  };
}

/** From now on the writer looks for keys from before devices counted, as after an upgrade. */
export async function untaggedAreHeld({ database, commit }: Writer): Promise<void> {
  await database.sql("update untagged_keys set held_until = 'infinity'");
  await commit.close();
}

async function epochsOf(database: MigratedDatabase): Promise<(shard: number) => number> {
  const rows = await database.sql<{ shard: number; epoch: string }>(
    "select shard, epoch from conversation_ownership",
  );
  const known = new Map(rows.map((row) => [row.shard, Number(row.epoch)]));
  return (shard) => known.get(shard)!;
}

async function aGroup(creation: PostgresConversationCreation, size: number) {
  const [id, creatorId, ...otherUserIds] = Array.from({ length: size + 1 }, newId) as [
    string,
    string,
    ...string[],
  ];
  await creation.createGroup({
    type: "create_group",
    id,
    creatorId,
    otherUserIds,
    metadata: "{}",
    atUs: startUs,
  });
  return { id, members: [creatorId, ...otherUserIds] };
}

/** The lane has one batch in flight: what makes logs goes one after the other. */
export async function inTurns<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let index = 0; index < count; index++) made.push(await make(index));
  return made;
}
