import {
  bigint,
  boolean,
  customType,
  index,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

/** The tables as the migrations make them; `schema.test.ts` holds the two against each other. */

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/** Text, not a Date: a Date loses the microseconds that order messages. */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 6, mode: "string" });

export const conversations = pgTable(
  "conversations",
  {
    id: uuid("id").primaryKey(),
    type: text("type", { enum: ["direct", "group"] }).notNull(),
    metadata: bytea("metadata").notNull(),
    isActive: boolean("is_active").notNull(),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
    directLow: uuid("direct_low"),
    directHigh: uuid("direct_high"),
  },
  (table) => [unique().on(table.directLow, table.directHigh)],
);

export const conversationMembers = pgTable(
  "conversation_members",
  {
    conversationId: uuid("conversation_id").notNull(),
    userId: uuid("user_id").notNull(),
    role: text("role", { enum: ["owner", "admin", "moderator", "member"] }).notNull(),
    joinedAt: instant("joined_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.userId] }),
    index("conversation_members_by_user").on(table.userId),
  ],
);

export const conversationHeads = pgTable("conversation_heads", {
  conversationId: uuid("conversation_id").primaryKey(),
  seq: bigint("seq", { mode: "number" }).notNull(),
  rev: bigint("rev", { mode: "number" }).notNull(),
  membersRev: bigint("members_rev", { mode: "number" }).notNull(),
  lastMessageAt: instant("last_message_at"),
});

export const messages = pgTable(
  "messages",
  {
    id: uuid("id").notNull(),
    conversationId: uuid("conversation_id").notNull(),
    seq: bigint("seq", { mode: "number" }).notNull(),
    rev: bigint("rev", { mode: "number" }).notNull(),
    senderId: uuid("sender_id").notNull(),
    messageType: smallint("message_type").notNull(),
    content: bytea("content").notNull(),
    metadata: bytea("metadata").notNull(),
    clientRandom: bigint("client_random", { mode: "number" }),
    dedupKey: bigint("dedup_key", { mode: "number" }),
    sentAt: instant("sent_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.seq] }),
    uniqueIndex("messages_dedup").on(table.conversationId, table.senderId, table.dedupKey),
    index("messages_by_id").on(table.id),
  ],
);

export const conversationOwnership = pgTable("conversation_ownership", {
  shard: smallint("shard").primaryKey(),
  node: uuid("node"),
  epoch: bigint("epoch", { mode: "number" }).notNull(),
});
