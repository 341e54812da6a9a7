import { afterAll, beforeAll, expect, test } from "bun:test";
import { shardOf } from "../../core/ports/ownership.ts";
import { newId } from "../../system.ts";
import {
  aBatch,
  aConversationChange,
  aDeletion,
  aMark,
  aMemberEvent,
  anEdit,
  aReaction,
  aReply,
  aSending,
  changeOf,
  messageOf,
  startUs,
} from "../../testing/builders/changes.ts";
import { inTurns, startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";

/** What a batch holds besides new messages: edits, deletions, members. Marks: append-marks.test.ts. */

let writer: Writer;
beforeAll(async () => {
  writer = await startWriter();
}, 120_000);
afterAll(() => writer.close());

const storedAll = { type: "stored", moved: new Set<string>(), marked: [] } as const;

async function rowOf(conversationId: string, seq: number) {
  const [row] = await writer.database.sql(
    `select rev::int, created_rev::int, convert_from(content, 'UTF8') as content, convert_from(metadata, 'UTF8') as metadata,
      edit_count, (extract(epoch from edited_at) * 1e6)::int8::text as edited, (extract(epoch from deleted_at) * 1e6)::int8::text as deleted
    from messages where conversation_id = $1 and seq = $2`,
    [conversationId, seq],
  );
  return row;
}

async function headOf(conversationId: string) {
  const [row] = await writer.database.sql(
    `select seq::int, rev::int, members_rev::int, (extract(epoch from last_message_at) * 1e6)::int8::text as last
    from conversation_heads where conversation_id = $1`,
    [conversationId],
  );
  return row;
}

async function memberOf(conversationId: string, userId: string) {
  const [row] = await writer.database.sql(
    `select role, joined_seq::int, joined_rev::int, left_seq::int, (extract(epoch from left_at) * 1e6)::int8::text as left_at, rev::int,
      delivered_seq::int, read_seq::int
    from conversation_members where conversation_id = $1 and user_id = $2`,
    [conversationId, userId],
  );
  return row;
}

async function conversationOf(id: string) {
  const [row] = await writer.database.sql(
    `select convert_from(metadata, 'UTF8') as metadata, is_active, rev::int, (extract(epoch from updated_at) * 1e6)::int8::text as updated
    from conversations where id = $1`,
    [id],
  );
  return row;
}

test("several changes of one message in a batch are one: the last wins, and every edit is counted", async () => {
  const { id } = await writer.aGroup();
  const [first, second] = [aSending(id, 1), aSending(id, 2)];
  await writer.append({ changes: [first, second] });
  const [one, two] = [messageOf(first), messageOf(second)];
  const changes = [
    changeOf(id, 3, anEdit(one, 3, "once")),
    changeOf(id, 4, anEdit(two, 4, "other")),
    changeOf(id, 5, anEdit(one, 5, "twice")),
    changeOf(id, 6, aDeletion({ ...two, editedAtUs: startUs + 4 }, 6)),
  ];
  expect(await writer.append({ changes })).toEqual(storedAll);
  expect(await rowOf(id, 1)).toMatchObject({ rev: 5, content: "twice", edit_count: 2, deleted: null });
  expect(await rowOf(id, 2)).toMatchObject({
    rev: 6,
    content: "",
    metadata: "{}",
    edit_count: 1,
    edited: String(startUs + 4),
    deleted: String(startUs + 6),
  });
});

/** Of one conversation: a message that is stored, and what a batch adds to it. */
async function aStoredStart() {
  const { id, members } = await writer.aGroup();
  const first = aSending(id, 1);
  await writer.append({ changes: [first] });
  const dora = newId();
  const changes = [
    aSending(id, 2),
    changeOf(id, 3, anEdit(messageOf(first), 3, "edited")),
    changeOf(
      id,
      4,
      aMemberEvent("member_added", id, { userId: dora, rev: 4, joinedSeq: 2, joinedRev: 4 }),
      aMemberEvent("member_removed", id, { userId: members[2]!, rev: 4, leftSeq: 2, leftAtUs: startUs }),
    ),
    aSending(id, 3, { rev: 5, createdRev: 5 }),
  ];
  return { id, ben: members[1]!, gone: members[2]!, dora, changes };
}

async function everythingOf({
  id,
  ben,
  gone,
  dora,
}: {
  id: string;
  ben: string;
  gone: string;
  dora: string;
}) {
  const [counted] = await writer.database.sql(
    "select count(*)::int as messages from messages where conversation_id = $1",
    [id],
  );
  return {
    ...counted,
    head: await headOf(id),
    content: (await rowOf(id, 1))?.content,
    dora: (await memberOf(id, dora))?.joined_seq,
    gone: (await memberOf(id, gone))?.left_seq,
    ben: (await memberOf(id, ben))?.read_seq,
  };
}

const before = {
  messages: 1,
  head: { seq: 1, rev: 1, members_rev: 0, last: String(startUs + 1) },
  content: "hello",
  dora: undefined,
  gone: null,
  ben: 0,
};
const after = {
  messages: 3,
  head: { seq: 3, rev: 5, members_rev: 4, last: String(startUs + 3) },
  content: "edited",
  dora: 2,
  gone: 2,
  ben: 3,
};

test("a batch of sends, edits, members and marks stores all of a conversation, or where its head is elsewhere nothing but the marks", async () => {
  const all = await inTurns(12, aStoredStart);
  const elsewhere = all.filter((_, index) => index % 4 === 2);
  await writer.database.sql(
    "update conversation_heads set rev = rev + 7 where conversation_id = any ($1::uuid[])",
    [elsewhere.map(({ id }) => id)],
  );
  const outcome = await writer.append({
    changes: all.flatMap(({ changes }) => changes),
    marks: all.map(({ id, ben }) => aMark(id, ben, { read: 3 })),
  });
  if (outcome.type !== "stored") throw new Error(`not stored: ${outcome.type}`);
  expect(outcome.moved).toEqual(new Set(elsewhere.map(({ id }) => id)));
  expect(outcome.marked).toHaveLength(12);
  for (const each of all) {
    const expected = elsewhere.includes(each)
      ? { ...before, head: { ...before.head, rev: 8 }, ben: 1 }
      : after;
    expect(await everythingOf(each)).toEqual(expected);
  }
});

test("I4: one stale epoch, and of edits, members and marks nothing is written either", async () => {
  const all = await inTurns(6, aStoredStart);
  const epochOf = await writer.epochs();
  const taken = shardOf(all[4]!.id);
  await writer.database.sql("update conversation_ownership set epoch = epoch + 1 where shard = $1", [taken]);
  const batch = aBatch({
    changes: all.flatMap(({ changes }) => changes),
    marks: all.map(({ id, ben }) => aMark(id, ben, { delivered: 1, read: 1 })),
  });
  expect(await writer.commit.append(batch, epochOf)).toEqual({ type: "fenced", shards: [taken] });
  for (const each of all) expect(await everythingOf(each)).toEqual(before);
  const ranges = await writer.database.sql(
    "select 1 from delivery_statuses where conversation_id = any ($1::uuid[])",
    [all.map(({ id }) => id)],
  );
  expect(ranges).toEqual([]);
});

test("whatever a batch is made of, each combination of its parts is a statement that PostgreSQL takes", async () => {
  const anna = { senderId: newId(), clientRandom: 1 };
  for (let parts = 0; parts < 128; parts++) {
    const { id, members } = await writer.aGroup();
    const first = aSending(id, 1, anna);
    const second = aSending(id, 2);
    await writer.append({ changes: [first, second] });
    let rev = 2;
    const changes = [];
    if (parts & 2) changes.push(changeOf(id, ++rev, anEdit(messageOf(second), rev, "edited")));
    const member = { userId: members[1]!, role: "moderator" } as const;
    if (parts & 4)
      changes.push(changeOf(id, ++rev, aMemberEvent("member_role_changed", id, { ...member, rev })));
    if (parts & 16) changes.push(changeOf(id, ++rev, aConversationChange(id, rev, '{"name":"a"}')));
    const content = parts & 2 ? "edited" : "hello";
    const before = { ...messageOf(second), content };
    if (parts & 64) changes.push(changeOf(id, ++rev, aReaction("reaction_added", before, rev)));
    rev++;
    const key = parts & 1 ? { ...anna, releasesKeyOf: 1 } : {};
    const send = parts & 32 ? aReply : aSending;
    changes.push(send(id, 3, { rev, createdRev: rev, ...key }));
    const marks = parts & 8 ? [aMark(id, members[2]!, { read: 3 })] : [];
    expect(await writer.append({ changes, marks })).toMatchObject({ type: "stored", moved: new Set() });
    expect(await headOf(id)).toMatchObject({ seq: 3, rev });
    expect((await rowOf(id, 2))!.content).toBe(content);
    expect((await memberOf(id, members[1]!))!.role).toBe(parts & 4 ? "moderator" : "member");
    expect((await memberOf(id, members[2]!))!.read_seq).toBe(parts & 8 ? 3 : 0);
    expect((await conversationOf(id))!.metadata).toBe(parts & 16 ? '{"name":"a"}' : "{}");
    const [relations] = await writer.database.sql(
      `select (select reply_to_seq::int from messages where conversation_id = $1 and seq = 3) as "replyTo",
        (select count(*)::int from message_reactions where conversation_id = $1) as reactions`,
      [id],
    );
    expect(relations).toEqual({ replyTo: parts & 32 ? 1 : null, reactions: parts & 64 ? 1 : 0 });
  }
}, 180_000);
