import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import pg from "pg";
import { newId, systemClock } from "../../system.ts";
import { noteTaker } from "../../testing/builders/builders.ts";
import {
  aConversationChange,
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
import { PostgresDeviceCursors } from "../private/device-cursors.ts";
import { PostgresOwnState } from "../private/own-state.ts";

/**
 * Plans are generic and are made once per connection, on tables that may be empty at that moment: each must be good for any size. So
 * the statements that write are taken from the ports at work and planned on the empty database.
 */
const statements = new Map<string, string>();
let writer: Writer;
/** Has settings of its own wherever it could have. */
let hostile: MigratedDatabase;

const watched = [
  "message_reactions",
  "conversation_heads",
  "conversation_members",
  "conversations",
  "conversation_settings",
  "device_cursors",
  "devices",
  "delivery_statuses",
  "direct_pairs",
];

beforeAll(async () => {
  writer = await startWriter();
  hostile = await migratedDatabase({ isHostile: true });
  // What PostgreSQL learns of the tables while they are filled is another matter: here they are empty, and it knows nothing.
  for (const table of watched)
    for (const { sql } of [writer.database, hostile])
      await sql(`alter table ${table} set (autovacuum_enabled = false)`);
  const query = spyOn(pg.Client.prototype, "query");
  await writeEverything();
  for (const [asked] of query.mock.calls as unknown as [unknown][]) {
    const { name, text } = (asked ?? {}) as { name?: string; text?: string };
    if (name && text) statements.set(name, text);
  }
  query.mockRestore();
  await writer.database.sql(`truncate messages, ${watched.join(", ")}`);
}, 120_000);
afterAll(async () => {
  await hostile.close();
  await writer.close();
});

/** Batches of every combination of parts, and what is written beside the lane. */
async function writeEverything(): Promise<void> {
  const key = { senderId: newId(), clientRandom: 1 };
  for (let parts = 0; parts < 256; parts++) {
    if (parts === 128) await untaggedAreHeld(writer);
    const { id, members } = await writer.aGroup();
    const first = aSending(id, 1, key);
    await writer.append({ changes: [first, aSending(id, 2)] });
    const changes = [
      aSending(id, 3, parts & 1 ? { ...key, releasesKeyOf: 1 } : {}),
      ...(parts & 2 ? [changeOf(id, 4, anEdit(messageOf(aSending(id, 2)), 4, "edited"))] : []),
      ...(parts & 4
        ? [changeOf(id, parts & 2 ? 5 : 4, aMemberEvent("member_added", id, { userId: newId(), rev: 4 }))]
        : []),
    ];
    const lastRev = changes.at(-1)!.rev;
    if (parts & 16) changes.push(changeOf(id, lastRev + 1, aConversationChange(id, lastRev + 1, "{}")));
    if (parts & 32) changes.push(aReply(id, 4));
    if (parts & 64) changes.push(changeOf(id, 9, aReaction("reaction_added", messageOf(aSending(id, 2)), 9)));
    const marks = parts & 8 ? [aMark(id, members[1]!, { read: 1 })] : [];
    await writer.append({ changes, marks });
  }
  const [userId, otherUserId, deviceId] = [newId(), newId(), "phone"];
  const { creation, reads } = writer;
  const place = { conversationId: newId(), seq: 1, rev: 1 };
  await creation.createDirect({
    type: "create_direct",
    id: newId(),
    creatorId: userId,
    otherUserId,
    atUs: startUs,
  });
  const { settings } = writer.database;
  const blocks = new PostgresBlocks({ settings, clock: systemClock, observer: noteTaker().observer });
  await new Promise<void>((resolve) => blocks.subscribe(resolve));
  await blocks.applied([]);
  await blocks.stop();
  const cursors = new PostgresDeviceCursors({ reads });
  await cursors.register({ userId, deviceId }, startUs);
  await cursors.save([{ userId, deviceId, ...place }]);
  const own = new PostgresOwnState({ reads });
  await own.markUnread({ type: "mark_unread", userId, messageId: newId(), ...place });
  await own.clearUnread(userId, place.conversationId);
}

async function planOf(client: pg.Client, text: string): Promise<string> {
  const parameters = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
  await client.query(`prepare planned as ${text}`);
  const values = Array(parameters).fill("null").join(", ");
  const { rows } = await client.query(`explain execute planned(${values})`);
  await client.query("deallocate planned");
  return rows.map((row) => row["QUERY PLAN"]).join("\n");
}

function plansOn({ settings }: MigratedDatabase): Promise<ReadonlyMap<string, string>> {
  return withClient(settings, "check", async (client) => {
    const plans = new Map<string, string>();
    for (const [name, text] of statements) plans.set(name, await planOf(client, text));
    return plans;
  });
}

test("every statement that writes is known by name, so that it is planned once", () => {
  const names = [...statements.keys()];
  expect(names.filter((name) => name.startsWith("append"))).toHaveLength(16);
  expect(names.filter((name) => !name.startsWith("append")).sort()).toEqual([
    "blocks-applied",
    "clear-unread",
    "create-direct",
    "create-group",
    "find-direct",
    "mark-unread",
    "register-device",
    "save-cursors",
  ]);
});

test.each(["a database", "a hostile database"])(
  "on %s no write scans a table or a whole index, not even when it was planned while the tables were empty",
  async (kind) => {
    const database = kind === "a database" ? writer.database : hostile;
    const scans: string[] = [];
    for (const [name, plan] of await plansOn(database)) {
      for (const found of plan.match(/Seq Scan on (?:messages?|conv|dev|deliv|own|direct)\w*/g) ?? [])
        scans.push(`${name}: ${found}`);
      const lines = plan.split("\n");
      lines.forEach((line, index) => {
        if (!/Index (?:Only )?Scan/.test(line)) return;
        if (!lines[index + 1]?.includes("Index Cond:")) scans.push(`${name}: ${line.trim()}`);
      });
    }
    expect(scans).toEqual([]);
  },
  180_000,
);

test("messages alone pay for no other part", () => {
  const plain = statements.get("append")!;
  for (const word of [
    "edit_count",
    "members_rev",
    "conversation_members",
    "delivery_statuses",
    "released",
    "relations",
    "reactions",
    "conversations",
  ])
    expect(plain).not.toContain(word);
  expect(plain.match(/\$17\b/)).not.toBeNull();
  expect(plain.match(/\$18\b/)).toBeNull();
});
