import { afterAll, beforeAll, expect, test } from "bun:test";
import type { MemberRecord } from "../../core/conversations/conversation.ts";
import type { Event } from "../../core/events.ts";
import type { Message, MessageChanged, MessageSent } from "../../core/messages/message.ts";
import { untagged } from "../../core/messages/send-key.ts";
import type { Change } from "../../core/ports/commit.ts";
import { newId } from "../../system.ts";
import { baseUs, StoredConversation } from "../../testing/builders/stored-conversation.ts";
import { CountingPool } from "../../testing/processes/counting-pool.ts";
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { openPool } from "../connections/database.ts";
import { PostgresActorReads } from "./actor-reads.ts";

let database: MigratedDatabase;
let pool: ReturnType<typeof openPool>;
let counting: CountingPool;
let reads: PostgresActorReads;

beforeAll(async () => {
  database = await migratedDatabase();
  pool = openPool(database.settings, () => {});
  counting = new CountingPool({ pool });
  reads = new PostgresActorReads({ reads: counting });
}, 120_000);

afterAll(async () => {
  await pool.end();
  await database.close();
});

function change(conversation: StoredConversation, rev: number, ...events: Event[]): Change {
  return { conversationId: conversation.id, rev, events, members: new Map(), membersRev: 0 };
}

async function messageAt(conversation: StoredConversation, seq: number): Promise<Message> {
  const [message] = await reads.readMessages([{ conversationId: conversation.id, seq }]);
  return message!;
}

const sent = (message: Message): Event => ({
  ...message,
  type: "message_sent",
  deviceTag: untagged,
  releasesKeyOf: null,
});

const changed = (type: MessageChanged["type"], message: Message, changeId: string): Event => ({
  type,
  conversationId: message.conversationId,
  rev: message.rev,
  changeId,
  message,
});

async function memberNow(conversation: StoredConversation, userId: string): Promise<MemberRecord> {
  const [row] = await database.sql<{
    rev: string;
    joined_seq: string;
    joined_rev: string;
    left_seq: string | null;
  }>("select * from conversation_members where conversation_id = $1 and user_id = $2", [
    conversation.id,
    userId,
  ]);
  const rev = Number(row!.rev);
  const atUs = baseUs + 1_000_000 + rev - 1;
  return {
    userId,
    role: "member",
    joinedAtUs: atUs,
    joinedSeq: Number(row!.joined_seq),
    joinedRev: Number(row!.joined_rev),
    rev,
    leftSeq: row!.left_seq === null ? null : Number(row!.left_seq),
    leftAtUs: row!.left_seq === null ? null : atUs,
  };
}

const memberEvent = (
  conversation: StoredConversation,
  type: "member_added" | "member_removed" | "member_role_changed",
  member: MemberRecord,
): Event => ({
  type,
  conversationId: conversation.id,
  rev: member.rev,
  actorId: newId(),
  atUs: member.joinedAtUs,
  member,
});

test("a change is found stored by what it alone wrote, not by its number: another owner's change under it is another one", async () => {
  const [anna, ben] = [newId(), newId()];
  const conversation = await StoredConversation.of(database, [anna]);
  await conversation.send(anna);
  await conversation.send(anna);
  const first = sent(await messageAt(conversation, 1));
  await conversation.edit([1]);
  const edited = await messageAt(conversation, 1);
  const editId = conversation.changeId;
  await conversation.delete([2]);
  const deleted = await messageAt(conversation, 2);
  const deletionId = conversation.changeId;
  await conversation.add(ben);
  const added = await memberNow(conversation, ben);
  const stored = [
    change(conversation, 1, first),
    change(conversation, 3, changed("message_edited", edited, editId)),
    change(conversation, 4, changed("message_deleted", deleted, deletionId)),
    change(conversation, 5, memberEvent(conversation, "member_added", added)),
  ];
  // One by one: a change that is found speaks for those before it.
  for (const each of stored) expect(await reads.findStored([each])).toEqual([true]);

  const rivals = [
    change(conversation, 1, {
      ...(first as MessageSent),
      id: newId(),
    }),
    change(conversation, 3, changed("message_edited", edited, newId())),
    change(conversation, 4, changed("message_deleted", deleted, newId())),
    change(conversation, 4, changed("message_deleted", deleted, editId)),
    change(conversation, 4, changed("media_attached", deleted, newId())),
    change(
      conversation,
      5,
      memberEvent(conversation, "member_added", { ...added, joinedAtUs: added.joinedAtUs + 1 }),
    ),
    change(
      conversation,
      5,
      memberEvent(conversation, "member_removed", { ...added, leftSeq: 2, leftAtUs: 1 }),
    ),
    change(conversation, 6, sent({ ...(await messageAt(conversation, 1)), id: newId(), seq: 3, rev: 6 })),
    change(conversation, 6, changed("message_edited", { ...edited, rev: 6 }, editId)),
    change(conversation, 6, memberEvent(conversation, "member_added", { ...added, userId: newId(), rev: 6 })),
    change(
      conversation,
      6,
      memberEvent(conversation, "member_role_changed", { ...added, role: "admin", rev: 6 }),
    ),
  ];
  for (const each of rivals) expect(await reads.findStored([each])).toEqual([false]);

  await conversation.changeRole(ben, "admin");
  const promoted: MemberRecord = { ...added, role: "admin", rev: 6 };
  const promotion = change(conversation, 6, memberEvent(conversation, "member_role_changed", promoted));
  await conversation.remove(ben);
  const removed = { ...promoted, ...(await memberNow(conversation, ben)), role: "admin" as const };
  const removal = change(conversation, 7, memberEvent(conversation, "member_removed", removed));
  expect(await reads.findStored([removal])).toEqual([true]);
  // Written over by a later change of the same batch, which speaks for it; alone it cannot be told.
  expect(await reads.findStored([promotion, removal])).toEqual([true, true]);
  expect(await reads.findStored([promotion])).toEqual([false]);
});
