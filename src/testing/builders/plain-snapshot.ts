import type { MemberMarks, MemberRecord } from "../../core/conversations/conversation.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import type { MigratedDatabase } from "../processes/migrated-database.ts";

/** The snapshot law's right side: what a viewer has of a conversation, read plainly by SQL, and how a difference changes it. */

type Sql = Pick<MigratedDatabase, "sql">;

/** What a viewer who keeps a conversation has of it. */
export interface Snapshot {
  /** By seq: the id, and what was last changed. */
  readonly messages: Map<number, string>;
  /** Of others, and not deleted. */
  readonly countable: Set<number>;
  readonly members: Map<string, string>;
  metadata: string;
  marks: readonly MemberMarks[];
}

export const nothingKept = (): Snapshot => ({
  messages: new Map(),
  countable: new Set(),
  members: new Map(),
  metadata: "",
  marks: [],
});

export interface StoredMember extends MemberRecord, MemberMarks {}

export async function storedMembers(database: Sql, id: string): Promise<StoredMember[]> {
  const rows = await database.sql<Record<keyof StoredMember, string | null>>(
    `select user_id as "userId", role, joined_seq as "joinedSeq", joined_rev as "joinedRev", rev, left_seq as "leftSeq",
      delivered_seq as "deliveredSeq", read_seq as "readSeq"
    from conversation_members where conversation_id = $1 order by user_id`,
    [id],
  );
  return rows.map((row) => ({
    userId: row.userId!,
    role: row.role as StoredMember["role"],
    joinedAtUs: 0,
    leftAtUs: null,
    joinedSeq: Number(row.joinedSeq),
    joinedRev: Number(row.joinedRev),
    rev: Number(row.rev),
    leftSeq: row.leftSeq === null ? null : Number(row.leftSeq),
    deliveredSeq: Number(row.deliveredSeq),
    readSeq: Number(row.readSeq),
  }));
}

const memberText = ({ role, joinedSeq, joinedRev, rev }: MemberRecord) =>
  [role, joinedSeq, joinedRev, rev].join(" ");

/** Read plainly; null: the viewer is a stranger. */
export async function snapshot(database: Sql, id: string, viewerId: string | null): Promise<Snapshot | null> {
  const present = (await storedMembers(database, id)).filter((member) => member.leftSeq === null);
  const viewer = present.find((member) => member.userId === viewerId);
  if (viewerId !== null && !viewer) return null;
  const rows = await database.sql<{
    seq: string;
    id: string;
    rev: string;
    content: Buffer;
    countable: boolean;
    reply_to_seq: string | null;
    relations: Buffer | null;
    reactions: string | null;
  }>(
    `select seq, id, rev, content, sender_id <> $3 and deleted_at is null as countable, reply_to_seq, relations, (
      select string_agg(user_id || ' ' || reaction, ',' order by reacted_at) from message_reactions r
      where r.conversation_id = m.conversation_id and r.seq = m.seq) as reactions
    from messages m where conversation_id = $1 and seq > $2 order by seq`,
    [id, viewer?.joinedSeq ?? 0, viewerId ?? id],
  );
  const [stored] = await database.sql<{ metadata: Buffer }>(
    "select metadata from conversations where id = $1",
    [id],
  );
  return {
    messages: new Map(
      rows.map((row) => {
        const { attachments = null } = JSON.parse(row.relations?.toString() || "{}");
        const relations = JSON.stringify([row.reply_to_seq, attachments, row.reactions]);
        return [Number(row.seq), `${row.id} ${row.rev} ${row.content.toString()} ${relations}`];
      }),
    ),
    countable: new Set(rows.filter((row) => row.countable).map((row) => Number(row.seq))),
    members: new Map(present.map((member) => [member.userId, memberText(member)])),
    metadata: stored!.metadata.toString(),
    marks: present.map(({ userId, deliveredSeq, readSeq }) => ({ userId, deliveredSeq, readSeq })),
  };
}

export function applyChanges(kept: Snapshot, changes: Changes, viewerId: string | null): void {
  for (const { message } of changes.messages) {
    kept.messages.set(
      message.seq,
      `${message.id} ${message.rev} ${message.content} ${relationsText(message)}`,
    );
    if (message.deletedAtUs === null && message.senderId !== viewerId) kept.countable.add(message.seq);
    else kept.countable.delete(message.seq);
  }
  for (const record of changes.members) {
    if (record.leftSeq === null) kept.members.set(record.userId, memberText(record));
    else kept.members.delete(record.userId);
  }
  if (changes.conversation) kept.metadata = changes.conversation.metadata;
  kept.marks = changes.marks;
}

function relationsText({ replyTo, attachments, reactions }: Message): string {
  const given = reactions?.list.map(({ userId, reaction }) => `${userId} ${reaction}`).join(",") ?? null;
  return JSON.stringify([replyTo && String(replyTo.seq), attachments, given]);
}

export function sorted(kept: Snapshot) {
  return {
    messages: [...kept.messages].sort(([one], [other]) => one - other),
    countable: [...kept.countable].sort((one, other) => one - other),
    members: [...kept.members].sort(),
    metadata: kept.metadata,
    marks: kept.marks.map((marks) => JSON.stringify(marks)).sort(),
  };
}
