import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { deviceTagOf } from "../../core/messages/send-key.ts";
import type { Change } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId, systemClock } from "../../system.ts";
import { clientRandoms, wellFormedText } from "../../testing/builders/arbitraries.ts";
import { aBatch, aMark, aSending, messageOf } from "../../testing/builders/changes.ts";
import { eventually } from "../../testing/eventually.ts";
import { brokenLogs, type MigratedDatabase } from "../../testing/model/engine-on-postgres.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresActorReads } from "../reads/actor-reads.ts";
import { PostgresCommit } from "./append.ts";

let writer: Writer;
let database: MigratedDatabase;
let commit: PostgresCommit;
let reads: PostgresActorReads;

beforeAll(async () => {
  writer = await startWriter();
  ({ database, commit } = writer);
  reads = new PostgresActorReads({ reads: writer.reads });
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
const stored = { type: "stored" as const, moved: new Set<string>(), marked: [] };

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

async function headOf(id: string): Promise<{ seq: number; rev: number }> {
  const [head] = await database.sql<{ seq: string; rev: string }>(
    "select seq, rev from conversation_heads where conversation_id = $1",
    [id],
  );
  return { seq: Number(head!.seq), rev: Number(head!.rev) };
}

const raise = "update conversation_ownership set epoch = epoch + 1 where shard = any ($1::int2[])";

test("I4: one stale epoch among many, and nothing of the whole batch is written", async () => {
  const conversations = await Promise.all(Array.from({ length: 20 }, aConversation));
  const epochOf = await epochs();
  const taken = shardOf(conversations[7]!.id);
  await database.sql(raise, [[taken]]);
  const outcome = await append(
    conversations.map(({ id }) => aChange(id, 1)),
    epochOf,
  );
  expect(outcome).toEqual({ type: "fenced", shards: [taken] });
  for (const { id } of conversations) {
    expect(await seqsOf(id)).toEqual([]);
    expect(await headOf(id)).toEqual({ seq: 0, rev: 0 });
  }
});

test("I4: an owner that was paused while another took over cannot write when it wakes", async () => {
  const { id } = await aConversation();
  const asleep = await epochs();
  expect(await append([aChange(id, 1)], asleep)).toEqual(stored);
  await database.sql("update conversation_ownership set epoch = epoch + 1, node = $1", [newId()]);
  const other = new PostgresCommit({ settings: database.settings, onLost: () => {} });
  expect(await append([aChange(id, 2)], await epochs(), other)).toMatchObject({ type: "stored" });
  await other.close();
  expect(await append([aChange(id, 3)], asleep)).toEqual({ type: "fenced", shards: [shardOf(id)] });
  expect(await append([aChange(id, 2)], asleep)).toEqual({ type: "fenced", shards: [shardOf(id)] });
  expect(await seqsOf(id)).toEqual([1, 2]);
});

test("a head that is elsewhere costs only its own conversation: of it nothing is written, of the others everything", async () => {
  const conversations = await Promise.all(Array.from({ length: 30 }, aConversation));
  const epochOf = await epochs();
  const moved = conversations.filter((_, index) => index % 3 === 1).map(({ id }) => id);
  await database.sql("update conversation_heads set rev = rev + 1 where conversation_id = any ($1::uuid[])", [
    moved,
  ]);
  const changes = conversations.flatMap(({ id }) => [1, 2, 3].map((seq) => aChange(id, seq)));
  expect(await append(changes, epochOf)).toEqual({ ...stored, moved: new Set(moved) });
  for (const { id } of conversations) {
    const isMoved = moved.includes(id);
    expect(await seqsOf(id)).toEqual(isMoved ? [] : [1, 2, 3]);
    expect(await headOf(id)).toEqual(isMoved ? { seq: 0, rev: 1 } : { seq: 3, rev: 3 });
  }
});

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

test("I3: a client_random that is taken refuses the batch by name, and one statement frees an old one and uses it again", async () => {
  const { id, anna } = await aConversation();
  const epochOf = await epochs();
  const deviceTag = deviceTagOf("phone");
  const own = { senderId: anna, deviceTag, clientRandom: 4_294_967_295 };
  await append([aChange(id, 1, own)], epochOf);
  expect(await append([aChange(id, 2, own)], epochOf)).toMatchObject({
    type: "refused",
    cause: "duplicate_key",
  });
  expect(await seqsOf(id)).toEqual([1]);
  const question = { conversationId: id, senderId: anna, deviceTag, clientRandom: 4_294_967_295 };
  expect(await reads.findKeys([question])).toMatchObject([{ ...question, seq: 1 }]);
  const freeing = aChange(id, 2, { ...own, releasesKeyOf: 1 });
  expect(await append([freeing, aChange(id, 3)], epochOf)).toMatchObject({ type: "stored" });
  expect(await reads.findKeys([question])).toMatchObject([{ ...question, seq: 2 }]);
  expect(await reads.readMessages([{ conversationId: id, seq: 1 }])).toMatchObject([
    { clientRandom: 4_294_967_295 },
  ]);
});

test("I3: two devices of a sender hold the same client_random, each its own", async () => {
  const { id, anna } = await aConversation();
  const epochOf = await epochs();
  const [none, phone, tablet] = [null, "phone", "tablet"].map(deviceTagOf) as [number, number, number];
  const sending = (seq: number, deviceTag: number) =>
    append([aChange(id, seq, { senderId: anna, deviceTag, clientRandom: 1 })], epochOf);
  for (const [index, tag] of [phone, tablet, none].entries())
    expect(await sending(index + 1, tag)).toMatchObject({ type: "stored" });
  for (const tag of [phone, tablet, none])
    expect(await sending(4, tag)).toMatchObject({ type: "refused", cause: "duplicate_key" });
  const question = { conversationId: id, senderId: anna, clientRandom: 1 };
  const found = await reads.findKeys([tablet, none].map((deviceTag) => ({ ...question, deviceTag })));
  expect(found.map(({ deviceTag, seq }) => [deviceTag, seq])).toEqual([
    [tablet, 2],
    [none, 3],
  ]);
  const [loaded] = await reads.loadConversations([id]);
  const key = { senderId: anna, clientRandom: 1 };
  expect(loaded!.keyUses).toMatchObject([
    { ...key, deviceTag: phone, seq: 1 },
    { ...key, deviceTag: tablet, seq: 2 },
    { ...key, deviceTag: none, seq: 3 },
  ]);
});

test("I9: whatever text is stored is read back equal, to the character and the microsecond", async () => {
  const { id, anna } = await aConversation();
  const epochOf = await epochs();
  let seq = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.oneof(wellFormedText, fc.constant("")), fc.json(), fc.option(clientRandoms)), {
        minLength: 1,
        maxLength: 20,
      }),
      async (given) => {
        const used = new Set<number>();
        const changes = given.map(([content, metadata, clientRandom]) => {
          const key = clientRandom === null || used.has(clientRandom) ? null : clientRandom;
          if (key !== null) used.add(key);
          seq++;
          const sentAtUs = 1_767_225_600_000_000 + seq * 7;
          return aChange(id, seq, { senderId: newId(), content, metadata, clientRandom: key, sentAtUs });
        });
        expect(await append(changes, epochOf)).toEqual(stored);
        const back = await reads.readMessages(
          changes.map((change) => ({ conversationId: id, seq: change.rev })),
        );
        expect(back).toEqual(changes.map(messageOf));
      },
    ),
    { numRuns: 25 },
  );
  expect(anna).toBeTruthy();
});

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
