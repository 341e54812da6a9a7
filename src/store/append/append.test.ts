import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Change } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId, systemClock } from "../../system.ts";
import { aBatch, aMark, aSending } from "../../testing/builders/changes.ts";
import { eventually } from "../../testing/eventually.ts";
import { brokenLogs, type MigratedDatabase } from "../../testing/model/engine-on-postgres.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresCommit } from "./append.ts";

let writer: Writer;
let database: MigratedDatabase;
let commit: PostgresCommit;
beforeAll(async () => {
  writer = await startWriter();
  ({ database, commit } = writer);
}, 120_000);

afterAll(() => writer.close());

async function aConversation(): Promise<{ id: string; anna: string }> {
  const [id, anna] = [newId(), newId()];
  await writer.creation.createDirect({
    type: "create_direct",
    id,
    creatorId: anna,
    otherUserId: newId(),
    atUs: systemClock.nowUs(),
  });
  return { id, anna };
}

const aChange = aSending;
function append(changes: readonly Change[], epochOf: (shard: number) => number, port = commit) {
  return port.append(aBatch({ changes }), epochOf);
}

const epochs = () => writer.epochs();

async function seqsOf(id: string): Promise<number[]> {
  const rows = await database.sql<{ seq: string }>(
    "select seq from messages where conversation_id = $1 order by seq",
    [id],
  );
  return rows.map((row) => Number(row.seq));
}

test("I2 I4: batches are never torn while their shards are taken over again and again", async () => {
  const conversations = await Promise.all(Array.from({ length: 12 }, aConversation));
  const shards = conversations.map(({ id }) => shardOf(id));
  const readerOf = new Map(conversations.map(({ id, anna }) => [id, anna]));
  const seqs = new Map(conversations.map(({ id }) => [id, 0]));
  const takeOver = (round: number) =>
    database.sql(
      `with locked as materialized (select shard from conversation_ownership where shard = any ($1::int2[]) order by shard for update)
      update conversation_ownership o set epoch = o.epoch + 1 from locked where o.shard = locked.shard`,
      [shards.filter((_, index) => (index + round) % 4 === 0)],
    );
  const seen = { stored: 0, fenced: 0 };
  for (let round = 0; round < 120; round++) {
    const changes = [...seqs].flatMap(([id, seq]) => [aChange(id, seq + 1), aChange(id, seq + 2)]);
    const epochOf = await epochs();
    if (round % 4 === 3) await takeOver(round);
    const racing = round % 4 === 1 ? takeOver(round) : undefined;
    const marks = [...seqs].map(([id, seq]) => aMark(id, readerOf.get(id)!, { read: seq + 2 }));
    const batch = aBatch({ changes, marks });
    const [outcome] = await Promise.all([commit.append(batch, epochOf), racing]);
    if (outcome.type !== "stored" && outcome.type !== "fenced")
      throw new Error(`neither stored nor fenced: ${outcome.type}`);
    seen[outcome.type]++;
    if (outcome.type === "fenced") continue;
    expect(outcome.moved.size).toBe(0);
    for (const [id, seq] of seqs) seqs.set(id, seq + 2);
  }
  expect(seen.stored).toBeGreaterThanOrEqual(60);
  expect(seen.fenced).toBeGreaterThanOrEqual(30);
  for (const [id, seq] of seqs) expect((await seqsOf(id)).length).toBe(seq);
  expect(await database.sql(`${brokenLogs} and h.seq = h.rev`)).toEqual([]);
  const unequal = `select 1 from conversation_heads h join conversation_members m using (conversation_id)
    where m.user_id = any ($1::uuid[]) and (m.read_seq <> h.seq or m.delivered_seq <> h.seq)`;
  expect(await database.sql(unequal, [[...readerOf.values()]])).toEqual([]);
}, 180_000);

test("I9: a change that the database refuses is told without its content", async () => {
  const { id } = await aConversation();
  await database.sql(
    "alter table messages add constraint no_secrets check (content <> 'my secret') not valid",
  );
  const outcome = await append([aChange(id, 1, { content: "my secret" })], await epochs());
  await database.sql("alter table messages drop constraint no_secrets");
  if (outcome.type !== "refused") throw new Error(`expected a refusal, not ${outcome.type}`);
  const told = [outcome.error, ...Object.values(outcome.error as object)].map(String).join(" ");
  expect(told).toContain("no_secrets");
  expect(told).not.toContain("my secret");
  expect(told).not.toContain(Buffer.from("my secret").toString("hex"));
});

const slow = `
create function be_slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return new; end $$;
create trigger be_slow before update on conversation_heads for each row execute function be_slow()`;
const quick = "drop trigger be_slow on conversation_heads; drop function be_slow";

test("a statement that the server gave up after its time was not stored, and may go again", async () => {
  const { id } = await aConversation();
  const hasty = new PostgresCommit({
    settings: { ...database.settings, statementTimeoutMs: 200 },
    onLost: () => {},
  });
  await database.sql(slow);
  expect(await append([aChange(id, 1)], await epochs(), hasty)).toMatchObject({ type: "again" });
  await database.sql(quick);
  expect(await seqsOf(id)).toEqual([]);
  expect(await append([aChange(id, 1)], await epochs(), hasty)).toMatchObject({ type: "stored" });
  await hasty.close();
});

test("a connection that ends under a batch leaves its outcome open, and the next batch has a new one", async () => {
  const { id } = await aConversation();
  const epochOf = await epochs();
  await database.sql(slow);
  const appending = append([aChange(id, 1)], epochOf);
  const sleeping = "application_name = 'whispr-msg lane' and wait_event = 'PgSleep'";
  await eventually("the batch is on its way", async () => {
    const ended = await database.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and ${sleeping}`,
    );
    return ended.length > 0;
  });
  expect(await appending).toMatchObject({ type: "unknown" });
  await database.sql(quick);
  expect(await append([aChange(id, 1)], epochOf)).toMatchObject({ type: "stored" });
});

test("a database that cannot be reached stored nothing: the batch goes again", async () => {
  const nowhere = new PostgresCommit({
    settings: { ...database.settings, url: "postgres://nobody@127.0.0.1:1/nothing" },
    onLost: () => {},
  });
  expect(await append([aChange(newId(), 1)], () => 0, nowhere)).toMatchObject({ type: "again" });
});
