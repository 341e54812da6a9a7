import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type pg from "pg";
import type { AppendOutcome } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId, systemClock } from "../../system.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import { aBatch, aMark, aSending } from "../../testing/builders/changes.ts";
import { someHealth } from "../../testing/builders/store-health.ts";
import { eventually } from "../../testing/eventually.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresCommit } from "../append/append.ts";
import { takeAll, takeSome } from "../append/fence.ts";
import { AdvisoryOwnership } from "./advisory-ownership.ts";

/**
 * The interleavings of a batch of an old owner with a take-over, with real sessions that are held where they are: the proof of the fence.
 * Whatever protects besides (the compare-and-set of heads) is not counted on: each looks at what the fence alone must do.
 */

let writer: Writer;
/** The old owner's. A statement that is held here is not given up. */
let commit: PostgresCommit;
const sessions: pg.Client[] = [];

beforeAll(async () => {
  writer = await startWriter();
  const settings = { ...writer.database.settings, statementTimeoutMs: 60_000 };
  commit = new PostgresCommit({ settings, onLost: () => {} });
}, 120_000);
afterAll(async () => {
  await commit.close();
  for (const session of sessions) await session.end();
  await writer.close();
});

/** A session of its own, which no statement timeout ends. */
async function session(name: string): Promise<pg.Client> {
  const client = await outsideClient(writer.database.url, name);
  sessions.push(client);
  return client;
}

const named = (name: string) => `application_name = '${name}' and datname = current_database()`;

/** Whether the session of that name waits for a lock that another one holds. */
async function isWaiting(name: string): Promise<boolean> {
  const rows = await writer.database.sql(
    `select 1 from pg_stat_activity where ${named(name)} and wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

/** Resolves with what came first: the statement's end, or that it waits for a lock. */
async function endsOrWaits(name: string, statement: Promise<unknown>): Promise<"ended" | "waits"> {
  let ended = false;
  void statement.then(() => {
    ended = true;
  });
  await eventually(`${name} to end or to wait`, async () => ended || (await isWaiting(name)));
  return ended ? "ended" : "waits";
}

async function aGroup() {
  const { id, members } = await writer.aGroup();
  return { id, member: members[0]!, shard: shardOf(id) };
}

async function headOf(id: string): Promise<number> {
  const [row] = await writer.database.sql<{ rev: string }>(
    "select rev from conversation_heads where conversation_id = $1",
    [id],
  );
  return Number(row!.rev);
}

async function readMarkOf(id: string): Promise<number> {
  const [row] = await writer.database.sql<{ seq: string }>(
    "select max(read_seq) as seq from conversation_members where conversation_id = $1",
    [id],
  );
  return Number(row!.seq);
}

describe("I4: a batch comes while a take-over of its shard is in flight", () => {
  /** A new owner has taken the shards, and has not committed. */
  async function takingOver(shards: readonly number[]): Promise<pg.Client> {
    const taker = await session("taker");
    await taker.query("begin");
    await taker.query(takeSome, [newId(), shards]);
    return taker;
  }

  test("it is fenced at once, without waiting, and nothing of it is written: neither what has a rev nor marks", async () => {
    const { id, member, shard } = await aGroup();
    await writer.append({ changes: [aSending(id, 1)] });
    const epochs = await writer.epochs();
    const taker = await takingOver([shard]);
    const batch = aBatch({ changes: [aSending(id, 2)], marks: [aMark(id, member, { read: 1 })] });
    const appending = commit.append(batch, epochs);
    expect(await endsOrWaits("whispr-msg lane", appending)).toBe("ended");
    expect(await appending).toEqual({ type: "fenced", shards: [shard] });
    await taker.query("commit");
    expect([await headOf(id), await readMarkOf(id)]).toEqual([1, 0]);
  });

  test("marks alone are fenced as well", async () => {
    const { id, member, shard } = await aGroup();
    await writer.append({ changes: [aSending(id, 1)] });
    const epochs = await writer.epochs();
    const taker = await takingOver([shard]);
    const batch = aBatch({ marks: [aMark(id, member, { read: 1 })] });
    expect(await commit.append(batch, epochs)).toEqual({ type: "fenced", shards: [shard] });
    await taker.query("commit");
    expect(await readMarkOf(id)).toBe(0);
  });

  test("one shard that is being taken keeps the whole batch from being written", async () => {
    const [taken, kept] = [await aGroup(), await aGroup()];
    const epochs = await writer.epochs();
    const taker = await takingOver([taken.shard]);
    const batch = aBatch({ changes: [aSending(kept.id, 1), aSending(taken.id, 1)] });
    expect(await commit.append(batch, epochs)).toEqual({ type: "fenced", shards: [taken.shard] });
    await taker.query("commit");
    expect([await headOf(kept.id), await headOf(taken.id)]).toEqual([0, 0]);
  });

  test("a take-over that is rolled back took nothing: the same batch is stored", async () => {
    const { id, shard } = await aGroup();
    const epochs = await writer.epochs();
    const taker = await takingOver([shard]);
    await taker.query("rollback");
    expect(await writer.append({ changes: [aSending(id, 1)] })).toMatchObject({ type: "stored" });
    expect((await writer.epochs())(shard)).toBe(epochs(shard));
  });
});

describe("I4: a take-over comes while a batch of the old owner is in flight", () => {
  /** The batch has passed the fence, and is held at a row that somebody else has locked. */
  async function inFlight(lock: string, id: string, batch: ReturnType<typeof aBatch>) {
    const epochs = await writer.epochs();
    const holder = await session("holder");
    await holder.query("begin");
    await holder.query(lock, [id]);
    const appending = commit.append(batch, epochs);
    expect(await endsOrWaits("whispr-msg lane", appending)).toBe("waits");
    return { appending, release: () => holder.query("commit") };
  }

  const takeOvers: readonly [string, string, (shard: number) => unknown[]][] = [
    ["of its shard", takeSome, (shard) => [newId(), [shard]]],
    ["of every shard", takeAll, () => [newId()]],
  ];

  test.each(takeOvers)("%s: it waits, and what it then finds is whole", async (_, statement, valuesOf) => {
    const { id, shard } = await aGroup();
    const before = (await writer.epochs())(shard);
    const lock = "select from conversation_heads where conversation_id = $1 for update";
    const { appending, release } = await inFlight(lock, id, aBatch({ changes: [aSending(id, 1)] }));
    const taker = await session("next owner");
    const taking = taker.query(statement, valuesOf(shard));
    expect(await endsOrWaits("next owner", taking)).toBe("waits");
    await release();
    const outcome: AppendOutcome = await appending;
    expect(outcome).toMatchObject({ type: "stored" });
    await taking;
    // Read after the take-over has returned, as a new owner does.
    expect(await headOf(id)).toBe(1);
    expect((await writer.epochs())(shard)).toBe(before + 1);
    expect(await commit.append(aBatch({ changes: [aSending(id, 2)] }), () => before)).toEqual({
      type: "fenced",
      shards: [shard],
    });
    await taker.end();
    sessions.splice(sessions.indexOf(taker), 1);
  });

  test("with marks alone: it waits for them too", async () => {
    const { id, member, shard } = await aGroup();
    await writer.append({ changes: [aSending(id, 1)] });
    const lock = "select from conversation_members where conversation_id = $1 for update";
    const batch = aBatch({ marks: [aMark(id, member, { read: 1 })] });
    const { appending, release } = await inFlight(lock, id, batch);
    const taker = await session("owner after marks");
    const taking = taker.query(takeSome, [newId(), [shard]]);
    expect(await endsOrWaits("owner after marks", taking)).toBe("waits");
    await release();
    expect(await appending).toMatchObject({ type: "stored" });
    await taking;
    expect(await readMarkOf(id)).toBe(1);
  });
});

describe("I4: every take-over raises epochs", () => {
  test("of some shards: theirs, and no others", async () => {
    const before = await writer.epochs();
    const taken = await writer.database.sql<{ shard: number; epoch: string }>(takeSome, [newId(), [3, 5]]);
    expect(taken.map(({ shard, epoch }) => [shard, Number(epoch)]).sort()).toEqual([
      [3, before(3) + 1],
      [5, before(5) + 1],
    ]);
    const after = await writer.epochs();
    expect([after(3), after(4), after(5)]).toEqual([before(3) + 1, before(4), before(5) + 1]);
  });

  function anOwner(): AdvisoryOwnership {
    const { settings } = writer.database;
    return new AdvisoryOwnership({
      settings,
      nodeId: newId(),
      binary: "0.0.0",
      clock: systemClock,
      observer: noteTaker().observer,
      health: someHealth(),
    });
  }

  test("an owner that wakes after another one took over writes nothing with the epochs that it remembers", async () => {
    const { id } = await aGroup();
    const [asleep, next] = [anOwner(), anOwner()];
    asleep.start();
    await eventually("the first one owns", () => asleep.isOwner);
    const remembered = Float64Array.from({ length: 4_096 }, (_, shard) => asleep.epochOf(shard));
    await asleep.stop();
    next.start();
    await eventually("the next one owns", () => next.isOwner);
    for (let shard = 0; shard < 4_096; shard++) {
      if (next.epochOf(shard) <= remembered[shard]!) throw new Error(`shard ${shard} has no new epoch`);
    }
    const batch = aBatch({ changes: [aSending(id, 1)] });
    expect(await commit.append(batch, (shard) => remembered[shard]!)).toEqual({
      type: "fenced",
      shards: [shardOf(id)],
    });
    expect(await commit.append(batch, (shard) => next.epochOf(shard))).toMatchObject({
      type: "stored",
    });
    await next.stop();
  });
});
