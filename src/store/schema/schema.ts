import { eq, isNotNull, ne, or, type SQLWrapper } from "drizzle-orm";
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
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

/** A counter: below 2^53 for the life of any log. */
const count = (name: string) => bigint(name, { mode: "number" });

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
    rev: count("rev").notNull(),
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
    joinedSeq: count("joined_seq").notNull(),
    joinedRev: count("joined_rev").notNull(),
    leftSeq: count("left_seq"),
    leftAt: instant("left_at"),
    rev: count("rev").notNull(),
    deliveredSeq: count("delivered_seq").notNull(),
    readSeq: count("read_seq").notNull(),
    pending: text("pending", { enum: ["added", "request"] }),
    staysOutUntil: instant("stays_out_until"),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.userId] }),
    index("conversation_members_by_user").on(table.userId, table.conversationId),
  ],
);

export const conversationHeads = pgTable("conversation_heads", {
  conversationId: uuid("conversation_id").primaryKey(),
  seq: count("seq").notNull(),
  rev: count("rev").notNull(),
  membersRev: count("members_rev").notNull(),
  lastMessageAt: instant("last_message_at"),
  horizonRev: count("horizon_rev").notNull(),
  restoredRev: count("restored_rev").notNull(),
});

export const messages = pgTable(
  "messages",
  {
    id: uuid("id").notNull(),
    conversationId: uuid("conversation_id").notNull(),
    seq: count("seq").notNull(),
    rev: count("rev").notNull(),
    senderId: uuid("sender_id").notNull(),
    messageType: smallint("message_type").notNull(),
    content: bytea("content").notNull(),
    metadata: bytea("metadata").notNull(),
    clientRandom: count("client_random"),
    dedupKey: count("dedup_key"),
    sentAt: instant("sent_at").notNull(),
    createdRev: count("created_rev").notNull(),
    editedAt: instant("edited_at"),
    editCount: integer("edit_count").notNull(),
    deletedAt: instant("deleted_at"),
    replyToSeq: count("reply_to_seq"),
    relations: bytea("relations"),
    changedBy: uuid("changed_by"),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.seq] }),
    uniqueIndex("messages_dedup").on(table.conversationId, table.senderId, table.dedupKey),
    index("messages_by_id").on(table.id),
    index("messages_changed").on(table.conversationId, table.rev).where(ne(table.rev, table.createdRev)),
  ],
);

export const messageReactions = pgTable(
  "message_reactions",
  {
    conversationId: uuid("conversation_id").notNull(),
    seq: count("seq").notNull(),
    userId: uuid("user_id").notNull(),
    reaction: text("reaction").notNull(),
    id: uuid("id").notNull(),
    reactedAt: instant("reacted_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.seq, table.userId, table.reaction] })],
);

export const conversationOwnership = pgTable("conversation_ownership", {
  shard: smallint("shard").primaryKey(),
  node: uuid("node"),
  epoch: count("epoch").notNull(),
});

export const deliveryStatuses = pgTable(
  "delivery_statuses",
  {
    conversationId: uuid("conversation_id").notNull(),
    userId: uuid("user_id").notNull(),
    kind: text("kind", { enum: ["delivered", "read"] }).notNull(),
    fromSeq: count("from_seq").notNull(),
    toSeq: count("to_seq").notNull(),
    at: instant("at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.userId, table.kind, table.fromSeq] })],
);

export const ownRevs = pgTable("own_revs", {
  userId: uuid("user_id").primaryKey(),
  ownRev: count("own_rev").notNull(),
});

export const conversationSettings = pgTable(
  "conversation_settings",
  {
    userId: uuid("user_id").notNull(),
    conversationId: uuid("conversation_id").notNull(),
    ownRev: count("own_rev").notNull(),
    unreadFromSeq: count("unread_from_seq"),
  },
  (table) => [primaryKey({ columns: [table.userId, table.conversationId] })],
);

export const devices = pgTable(
  "devices",
  {
    userId: uuid("user_id").notNull(),
    deviceId: text("device_id").notNull(),
    generation: count("generation").notNull(),
    firstSeenAt: instant("first_seen_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.deviceId] })],
);

export const deviceCursors = pgTable(
  "device_cursors",
  {
    userId: uuid("user_id").notNull(),
    deviceId: text("device_id").notNull(),
    conversationId: uuid("conversation_id").notNull(),
    seq: count("seq").notNull(),
    rev: count("rev").notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.deviceId, table.conversationId] })],
);

const hasBlock = (low: SQLWrapper, high: SQLWrapper) => or(isNotNull(low), isNotNull(high))!;

export const directPairs = pgTable(
  "direct_pairs",
  {
    lowId: uuid("low_id").notNull(),
    highId: uuid("high_id").notNull(),
    lowBlocksSince: instant("low_blocks_since"),
    highBlocksSince: instant("high_blocks_since"),
    isPending: boolean("is_pending").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.lowId, table.highId] }),
    index("direct_pairs_pending").on(table.lowId, table.highId).where(eq(table.isPending, true)),
    index("direct_pairs_blocked_low")
      .on(table.lowId, table.highId)
      .where(hasBlock(table.lowBlocksSince, table.highBlocksSince)),
    index("direct_pairs_blocked_high")
      .on(table.highId, table.lowId)
      .where(hasBlock(table.lowBlocksSince, table.highBlocksSince)),
  ],
);

export const userLastSeen = pgTable("user_last_seen", {
  userId: uuid("user_id").primaryKey(),
  at: instant("at").notNull(),
});

export const storeGeneration = pgTable("store_generation", {
  isOnly: boolean("is_only").primaryKey(),
  generation: count("generation").notNull(),
  systemIdentifier: text("system_identifier"),
  timeline: count("timeline"),
  startedAt: instant("started_at").notNull(),
});

export const untaggedKeys = pgTable("untagged_keys", {
  isOnly: boolean("is_only").primaryKey(),
  heldUntil: instant("held_until").notNull(),
});
