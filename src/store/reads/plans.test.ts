import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import pg from "pg";
import type { Change } from "../../core/ports/commit.ts";
import { newId, systemClock } from "../../system.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import {
  aBatch,
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
import { type MigratedDatabase, migratedDatabase } from "../../testing/processes/migrated-database.ts";
import { startWriter, untaggedAreHeld, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { PostgresBlocks } from "../blocks.ts";
import { withClient } from "../connections/database.ts";
import { PostgresLastSeen } from "../last-seen.ts";
import { PostgresDeviceCursors } from "../private/device-cursors.ts";
import { PostgresOwnState } from "../private/own-state.ts";
import { PostgresActorReads } from "./actor-reads.ts";
import { PostgresSyncReads } from "./sync-reads.ts";
import { PostgresViewerReads } from "./viewer-reads.ts";

/**
 * Plans are generic and are made once per connection, on tables that may be empty at that moment: each must be good for any size.
 * So the statements are taken from the ports at work, and planned on the empty database.
 */
const statements = new Map<string, string>();
let writer: Writer;
/** Where the statements are planned: as the server comes, and where all its settings are others. */
const databases: Record<"a database" | "a hostile database", MigratedDatabase | null> = {
  "a database": null,
  "a hostile database": null,
};
type Kind = keyof typeof databases;
const kinds = Object.keys(databases) as Kind[];

beforeAll(async () => {
  writer = await startWriter();
  const query = spyOn(pg.Client.prototype, "query");
  await useAppend();
  await untaggedAreHeld(writer);
  await useAppend();
  await useWrites();
  await useActorReads();
  await useViewerReads();
  for (const [asked] of query.mock.calls as unknown as [unknown][]) {
    const { name, text } = (asked ?? {}) as { name?: string; text?: string };
    if (name && text) statements.set(name, text);
  }
  query.mockRestore();
  databases["a database"] = writer.database;
  databases["a hostile database"] = await migratedDatabase({ isHostile: true });
  await writer.database.sql(
    `truncate messages, conversation_heads, conversation_members, conversation_settings, conversations,
      message_reactions, delivery_statuses, devices, device_cursors, own_revs`,
  );
}, 180_000);
afterAll(async () => {
  await databases["a hostile database"]?.close();
  await writer.close();
});

const [user, conversation] = [newId(), newId()];

/** A batch of every mixture of parts; at an epoch that nobody holds it writes nothing. */
async function useAppend(): Promise<void> {
  const sending = aSending(conversation, 1);
  const parts: Record<string, Change | null> = {
    released: aSending(newId(), 1, { clientRandom: 1, releasesKeyOf: 1 }),
    changed: changeOf(newId(), 2, anEdit(messageOf(sending), 2, "edited")),
    members: changeOf(newId(), 1, aMemberEvent("member_added", conversation, { userId: user, rev: 1 })),
    marks: null,
    relations: aReply(newId(), 1),
    reactions: changeOf(newId(), 2, aReaction("reaction_added", messageOf(sending), 2)),
  };
  for (let mixture = 0; mixture < 64; mixture++) {
    const changes = Object.values(parts).filter(
      (each, index) => each !== null && mixture & (1 << index),
    ) as Change[];
    const marks = mixture & 8 ? [aMark(newId(), user, { read: 1 })] : [];
    const outcome = await writer.commit.append(aBatch({ changes: [sending, ...changes], marks }), () => -1);
    expect(outcome.type).toBe("fenced");
  }
}

async function useWrites(): Promise<void> {
  const direct = { type: "create_direct", creatorId: user, otherUserId: newId(), atUs: startUs } as const;
  await writer.creation.createDirect({ ...direct, id: newId() });
  await writer.creation.createDirect({ ...direct, id: newId() });
  await writer.aGroup();
  const cursors = new PostgresDeviceCursors({ reads: writer.reads });
  await cursors.register({ userId: user, deviceId: "phone" }, startUs);
  await cursors.save([{ userId: user, deviceId: "phone", conversationId: conversation, seq: 1, rev: 1 }]);
  await new PostgresLastSeen({ reads: writer.reads }).save(new Map([[user, startUs]]));
  const own = new PostgresOwnState({ reads: writer.reads });
  await own.markUnread({
    type: "mark_unread",
    userId: user,
    conversationId: conversation,
    messageId: newId(),
  });
  await own.clearUnread(user, conversation);
  const { settings } = writer.database;
  const blocks = new PostgresBlocks({ settings, clock: systemClock, observer: noteTaker().observer });
  await new Promise<void>((resolve) => blocks.subscribe(resolve));
  await blocks.pending(null, 1);
  await blocks.applied([]);
  await blocks.stop();
}

async function useActorReads(): Promise<void> {
  const reads = new PostgresActorReads({ reads: writer.reads });
  await reads.loadConversations([conversation]);
  await reads.findKeys([{ conversationId: conversation, senderId: user, deviceTag: 9, clientRandom: 1 }]);
  await reads.findTargets([{ conversationId: conversation, messageId: newId(), viewerId: null }]);
  await reads.findSeqs([{ conversationId: conversation, messageId: newId(), userId: user }]);
  await reads.findCreatedRevs([{ conversationId: conversation, seq: 1 }]);
  await reads.readMessages([{ conversationId: conversation, seq: 1 }]);
  await reads.findStored([aSending(conversation, 1)]);
}

async function useViewerReads(): Promise<void> {
  const reads = new PostgresViewerReads({ reads: writer.reads });
  await reads.listConversations({ type: "list_conversations", viewerId: user, limit: 50, offset: 0 });
  await reads.showConversation(user, conversation);
  await reads.listMembers({ type: "list_members", viewerId: user, conversationId: conversation });
  for (const part of ["all", "place", "reactions", "attachments"] as const)
    await reads.showMessage(user, newId(), part);
  await reads.showDeliveryStatus(user, newId());
  const sync = new PostgresSyncReads({ reads: writer.reads });
  await sync.joinFacts([], []);
  await sync.changes([]);
  const cursors = [
    null,
    { by: "seq", seq: 9 },
    { by: "id", id: newId() },
    { by: "time", timeUs: startUs },
  ] as const;
  const query = { type: "read_history", viewerId: user, conversationId: conversation, limit: 50 } as const;
  for (const before of cursors)
    for (const after of cursors) await reads.readHistory({ ...query, before, after });
}

/** Of one message, by its id alone: a statement for each part of it. */
const shownParts = ["all", "attachments", "place", "reactions"].map((part) => `show-message-${part}`);

test("every statement of the hot path is known by name, so that it is planned once", () => {
  const isOneOfMany = /^(append|history)-/;
  expect([...statements.keys()].filter((name) => !isOneOfMany.test(name)).sort()).toEqual([
    "append",
    "blocks-applied",
    "changes",
    "clear-unread",
    "create-direct",
    "create-group",
    "find-created-revs",
    "find-direct",
    "find-keys",
    "find-seqs",
    "find-stored",
    "find-targets",
    "join-facts",
    "list-conversations",
    "list-members",
    "load-conversations",
    "mark-unread",
    "pending-blocks",
    "read-messages",
    "register-device",
    "save-cursors",
    "save-last-seen",
    "show-conversation",
    "show-delivery-status",
    ...shownParts,
  ]);
  expect([...statements.keys()].filter((name) => name.startsWith("history-"))).toHaveLength(16);
  expect([...statements.keys()].filter((name) => name.startsWith("append-"))).toHaveLength(15);
});

interface PlanNode {
  readonly "Total Cost": number;
  /** Since PostgreSQL 18. */
  readonly Disabled?: boolean;
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Recheck Cond"?: string;
  readonly Filter?: string;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** A value of each type, for a null would prune every partition away. */
const sampleOf = (type: string) => {
  if (type.endsWith("[]")) return "{}";
  if (type === "uuid") return conversation;
  if (type.startsWith("timestamp")) return "2026-01-01 00:00:00Z";
  return type === "bytea" ? "" : "1";
};

async function planOf(client: pg.Client, text: string): Promise<PlanNode[]> {
  await client.query(`prepare planned as ${text}`);
  const { rows: parameters } = await client.query<{ type: string }>(
    "select unnest(parameter_types)::text as type from pg_prepared_statements where name = 'planned'",
  );
  const values = parameters.map(({ type }) => `'${sampleOf(type)}'`).join(", ");
  const { rows } = await client.query(
    `explain (format json) execute planned${values === "" ? "" : `(${values})`}`,
  );
  await client.query("deallocate planned");
  return nodesOf(rows[0]!["QUERY PLAN"][0].Plan);
}

/** The plans of all statements, by their names. */
function plansOn(kind: Kind): Promise<ReadonlyMap<string, PlanNode[]>> {
  return withClient(databases[kind]!.settings, "check", async (client) => {
    const plans = new Map<string, PlanNode[]>();
    for (const [name, text] of statements) plans.set(name, await planOf(client, text));
    return plans;
  });
}

const growing = /^(messages?|conversation|device|delivery|own_|direct_)/;

/** What a scan of the plan reads too much of; null: it goes to what it looks for. */
function excessOf(node: PlanNode): string | null {
  const table = node["Relation Name"];
  if (!table || !growing.test(table) || !node["Node Type"].includes("Scan")) return null;
  const found = node["Index Cond"] ?? node["Recheck Cond"];
  // An index of what is pending alone.
  if (!found && node["Index Name"] !== "direct_pairs_pending") return `all of ${table.replace(/_p\d+$/, "")}`;
  if (!found) return null;
  if (table.startsWith("messages") && !/\b(seq|rev|id|dedup_key)\b/.test(found))
    return "all messages of a conversation";
  if (table === "conversation_members" && /\b(conversation_id|user_id) = /.test(node.Filter ?? ""))
    return "all members of a conversation, or all memberships of a user, for one of them";
  return null;
}

test.each(kinds)(
  "on %s no statement reads more of a table that grows than it looks for, not even when it was planned while the tables were empty",
  async (kind) => {
    const excesses = new Set<string>();
    for (const [name, nodes] of await plansOn(kind)) {
      for (const node of nodes) {
        const excess = excessOf(node);
        if (excess) excesses.add(`${name}: ${excess}`);
      }
    }
    expect([...excesses]).toEqual([]);
  },
  180_000,
);

test.each(kinds)(
  "on %s whatever reads messages names their conversation, so that it opens one partition of sixteen",
  async (kind) => {
    const everywhere = new Set<string>();
    for (const [name, nodes] of await plansOn(kind)) {
      for (const node of nodes) {
        const conditions = [node["Index Cond"], node["Recheck Cond"], node.Filter].join(" ");
        if (!node["Relation Name"]?.startsWith("messages_p") || !node["Node Type"].includes("Scan")) continue;
        if (!/\bconversation_id = /.test(conditions)) everywhere.add(name);
      }
    }
    // Who asks for one message by its id does not say where it is.
    expect([...everywhere].sort()).toEqual(["show-delivery-status", ...shownParts]);
  },
  180_000,
);

/** Above such a node, every alternative costs the same to PostgreSQL before 18, and JIT compiles the whole plan. */
test.each(kinds)(
  "on %s no statement needs a kind of scan that is switched off",
  async (kind) => {
    const disabled = new Set<string>();
    for (const [name, nodes] of await plansOn(kind)) {
      if (nodes.some((node) => node.Disabled || node["Total Cost"] > 1e9)) disabled.add(name);
    }
    expect([...disabled]).toEqual([]);
  },
  180_000,
);
