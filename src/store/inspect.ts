import { asc, count, eq, max } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { shardOf } from "../core/ports/ownership.ts";
import {
  conversationHeads,
  conversationMembers,
  conversationOwnership,
  conversations,
  messages,
} from "./schema.ts";

/** What an operator may see of a conversation: numbers and times, never content or metadata. */
export interface ConversationInspection {
  readonly id: string;
  readonly type: string;
  readonly isActive: boolean;
  readonly createdAt: string;
  readonly metadataBytes: number;
  readonly head: {
    readonly seq: number;
    readonly rev: number;
    readonly membersRev: number;
    readonly lastMessageAt: string | null;
  };
  /** Counted in the log; equal to `head.seq`, or something is wrong. */
  readonly stored: { readonly messages: number; readonly maxSeq: number };
  /** Former ones too. */
  readonly members: readonly MemberInspection[];
  readonly owner: { readonly shard: number; readonly node: string | null; readonly epoch: number };
}

export interface MemberInspection {
  readonly userId: string;
  readonly role: string;
  readonly joinedAt: string;
  readonly joinedSeq: number;
  /** Null: still a member. */
  readonly leftAt: string | null;
  readonly leftSeq: number | null;
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

/** Null: there is no such conversation. One snapshot. */
export async function inspectConversation(url: string, id: string): Promise<ConversationInspection | null> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: "whispr-msg admin",
  });
  client.on("error", () => {});
  await client.connect();
  try {
    return await drizzle(client).transaction((read) => inspect(read, id), {
      isolationLevel: "repeatable read",
      accessMode: "read only",
    });
  } finally {
    await client.end();
  }
}

type Reader = Parameters<Parameters<ReturnType<typeof drizzle>["transaction"]>[0]>[0];

async function inspect(read: Reader, id: string): Promise<ConversationInspection | null> {
  const [conversation] = await read.select().from(conversations).where(eq(conversations.id, id));
  const [head] = await read.select().from(conversationHeads).where(eq(conversationHeads.conversationId, id));
  if (!conversation || !head) return null;
  const shard = shardOf(id);
  const [owner] = await read
    .select()
    .from(conversationOwnership)
    .where(eq(conversationOwnership.shard, shard));
  const [stored] = await read
    .select({ messages: count(), maxSeq: max(messages.seq) })
    .from(messages)
    .where(eq(messages.conversationId, id));
  const members = await read
    .select()
    .from(conversationMembers)
    .where(eq(conversationMembers.conversationId, id))
    .orderBy(asc(conversationMembers.joinedAt), asc(conversationMembers.userId));
  return {
    id,
    type: conversation.type,
    isActive: conversation.isActive,
    createdAt: conversation.createdAt,
    metadataBytes: conversation.metadata.length,
    head: { seq: head.seq, rev: head.rev, membersRev: head.membersRev, lastMessageAt: head.lastMessageAt },
    stored: { messages: stored?.messages ?? 0, maxSeq: Number(stored?.maxSeq ?? 0) },
    members: members.map(inspectMember),
    owner: { shard, node: owner?.node ?? null, epoch: owner?.epoch ?? 0 },
  };
}

function inspectMember(member: typeof conversationMembers.$inferSelect): MemberInspection {
  const { userId, role, joinedAt, joinedSeq, leftAt, leftSeq, deliveredSeq, readSeq } = member;
  return { userId, role, joinedAt, joinedSeq, leftAt, leftSeq, deliveredSeq, readSeq };
}
