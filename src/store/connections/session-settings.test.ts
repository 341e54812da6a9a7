import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import {
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
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { makeHostile } from "../../testing/processes/hostile-settings.ts";
import { leftSettings } from "../../testing/processes/left-settings.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { inspectConversation } from "../inspect/conversation.ts";
import { inspectMessage } from "../inspect/message.ts";
import { inspectUser } from "../inspect/user.ts";
import { PostgresLastSeen } from "../last-seen.ts";
import { checkGeneration, newGeneration } from "../ownership/generation.ts";
import { PostgresDeviceCursors } from "../private/device-cursors.ts";
import { PostgresOwnState } from "../private/own-state.ts";
import { PostgresActorReads } from "../reads/actor-reads.ts";
import { PostgresSyncReads } from "../reads/sync-reads.ts";
import { PostgresViewerReads } from "../reads/viewer-reads.ts";
import { migrations } from "../schema/migrations.ts";
import { checkSchema, MigrationRefusal, migrate, migrationStatus } from "../schema/migrator.ts";
import { checkDatabase } from "../schema/store-checks.ts";
import { openClient, openPool, withClient } from "./database.ts";
import { sessionDifferences, sessionSettings } from "./session-settings.ts";

const settingsOf = (url: string) => ({
  url,
  poolSize: 2,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 5_000,
});

describe("on a database whose own settings are others wherever they could be", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    await makeHostile(database.url);
  });
  afterAll(() => database.close());

  test("every setting of the server that a session can have is fixed, or left for a reason", async () => {
    const known = [...sessionSettings.map(({ name }) => name), ...Object.values(leftSettings).flat()];
    const rows = await withClient(settingsOf(database.url), "check", async (client) => {
      const text = `select name from pg_settings
        where context in ('user', 'superuser', 'backend', 'superuser-backend') and name not like '%.%'`;
      return (await client.query<{ name: string }>(text)).rows;
    });
    expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
    expect(known.length).toBe(new Set(known).size);
  });

  test("each connection has ours: of a pool, and one alone", async () => {
    const settings = settingsOf(database.url);
    const client = await openClient(settings, "check", () => {});
    const pool = openPool(settings, () => {});
    expect((await client.query(sessionDifferences())).rows).toEqual([]);
    const both = await Promise.all([pool.query(sessionDifferences()), pool.query(sessionDifferences())]);
    expect(both.map(({ rows }) => rows)).toEqual([[], []]);
    expect((await pool.query("show statement_timeout")).rows).toEqual([{ statement_timeout: "5s" }]);
    await Promise.all([client.end(), pool.end()]);
  });

  test("the migrations go up, down and up again, and tell when", async () => {
    const { url } = database;
    const steps = migrations.map(({ version }) => version);
    expect((await migrate({ url, direction: "up" })).map(({ version }) => version)).toEqual(steps);
    await migrate({ url, direction: "down", to: 0 });
    await migrate({ url, direction: "up" });
    const atMs = (await migrationStatus({ url })).map(({ appliedAt }) => Date.parse(appliedAt ?? ""));
    for (const each of atMs) expect(Math.abs(each - Date.now())).toBeLessThan(60_000);
    await checkSchema({ url, binary: "99.0.0" });
    await checkDatabase(url);
  });
});

test("tables in a schema that only the role or the database names are not overlooked: it must be named in the address", async () => {
  const database = await testDatabase();
  const inSchema = `${database.url}${database.url.includes("?") ? "&" : "?"}options=-c%20search_path%3Dmessaging`;
  await withClient(settingsOf(database.url), "check", async (client) => {
    const name = new URL(database.url).pathname.slice(1);
    await client.query(`create schema messaging; alter database ${name} set search_path = messaging`);
  });
  await migrate({ url: inSchema, direction: "up" });
  const refused = [
    () => migrate({ url: database.url, direction: "up" }),
    () => checkSchema({ url: database.url, binary: "99.0.0" }),
  ];
  for (const attempt of refused) {
    const refusal = await attempt().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MigrationRefusal);
    expect(String(refusal)).toContain("options=-c%20search_path%3Dmessaging");
  }
  await checkSchema({ url: inSchema, binary: "99.0.0" });
  await database.close();
}, 120_000);

test("the same log reads the same on such a database as on any other, by every read there is", async () => {
  const [plain, hostile] = await Promise.all([startWriter(), startWriter({ isHostile: true })]);
  const ids = Array.from({ length: 20 }, newId);
  await write(plain, ids);
  await write(hostile, ids);
  const [read, again] = [await everythingOf(plain, ids), await everythingOf(hostile, ids)];
  expect(JSON.stringify(read)).toContain("Gruß");
  expect(again).toEqual(read);
  await Promise.all([plain.close(), hostile.close()]);
}, 180_000);

test("its generation is found, checked and renewed there too", async () => {
  const hostile = await startWriter({ isHostile: true });
  const { settings, url } = hostile.database;
  const check = () => withClient(settings, "check", (client) => checkGeneration(client, startUs));
  expect(await check()).toEqual({ generation: 1, isNew: false });
  expect(await newGeneration(url, startUs)).toBe(2);
  expect(await check()).toEqual({ generation: 2, isNew: false });
  await hostile.close();
}, 120_000);

/** Of every kind of change, with what parsers are strict about: quotes, backslashes, other scripts, instants with microseconds. */
async function write({ creation, append, reads, database }: Writer, ids: readonly string[]): Promise<void> {
  const [group, anna, ben, clara, ...others] = ids as [string, string, string, string, ...string[]];
  const [one, two, three, reply, ...commands] = others as [string, string, string, string, ...string[]];
  const found = { type: "create_group", id: group, creatorId: anna, atUs: startUs + 1 } as const;
  await creation.createGroup({ ...found, otherUserIds: [ben], metadata: '{"name":"\\\\ \'null\' {}"}' });
  const base = { senderId: anna, metadata: '{"a":"\\\\"}' };
  const texts = ["NULL", "Gruß \\ 'x' \u{1F600}", '{"a",null}'] as const;
  const sendings = [one, two, three].map((id, index) =>
    aSending(group, index + 1, { ...base, id, content: texts[index]! }),
  );
  await append({ changes: sendings });
  const [first, second, third] = sendings.map(messageOf);
  const given = { id: reply, senderId: ben, replyTo: { id: two, seq: 2, quote: null } };
  const attached = aReply(group, 4, given);
  const [sent] = attached.events;
  if (sent?.type === "message_sent") Object.assign(sent.attachments![0]!, { id: commands[4] });
  await append({ changes: [attached] });
  const reaction = { id: commands[5]!, userId: ben };
  await append({
    changes: [
      changeOf(group, 5, { ...anEdit(first!, 5, "edited \\ é"), changeId: commands[6]! }),
      changeOf(group, 6, { ...aReaction("reaction_added", second!, 6, reaction), changeId: commands[7]! }),
      changeOf(group, 7, { ...aDeletion(third!, 7), changeId: commands[8]! }),
      changeOf(group, 8, aMemberEvent("member_added", group, { userId: clara, rev: 8, joinedSeq: 4 })),
    ],
    marks: [aMark(group, ben, { delivered: 4, read: 2 })],
  });
  const cursors = new PostgresDeviceCursors({ reads });
  await cursors.register({ userId: ben, deviceId: "phone" }, startUs + 9);
  await cursors.save([{ userId: ben, deviceId: "phone", conversationId: group, seq: 3, rev: 3 }]);
  await new PostgresLastSeen({ reads }).save(new Map([[ben, startUs + 123_456]]));
  const unread = { type: "mark_unread", userId: anna, conversationId: group, messageId: two } as const;
  await new PostgresOwnState({ reads }).markUnread(unread);
  expect(await database.sql("select 1 from messages")).toHaveLength(4);
}

async function everythingOf({ reads, database: { url } }: Writer, ids: readonly string[]) {
  const [group, anna, ben, , one, two] = ids as [string, string, string, string, string, string];
  const actor = new PostgresActorReads({ reads });
  const viewer = new PostgresViewerReads({ reads });
  const sync = new PostgresSyncReads({ reads });
  const history = { type: "read_history", viewerId: anna, conversationId: group, limit: 3 } as const;
  const cursor = { by: "time", timeUs: startUs + 3 } as const;
  const page = { limit: 10, offset: 0 };
  const since = { seq: 1, rev: 1, generation: 1 };
  const question = { conversationId: group, viewerId: ben, sinceRev: 1, generation: 1, sinceSeq: 1 };
  return {
    loaded: await actor.loadConversations([group]),
    targets: await actor.findTargets([{ conversationId: group, messageId: one, viewerId: null }]),
    messages: await actor.readMessages([1, 2, 3, 4].map((seq) => ({ conversationId: group, seq }))),
    list: await viewer.listConversations({ type: "list_conversations", viewerId: anna, ...page }),
    members: await viewer.listMembers({ type: "list_members", viewerId: anna, conversationId: group }),
    message: await viewer.showMessage(ben, two, "all"),
    recipients: await viewer.showDeliveryStatus(ben, two),
    history: await viewer.readHistory({ ...history, before: null, after: null }),
    older: await viewer.readHistory({ ...history, before: cursor, after: null }),
    facts: await sync.joinFacts(
      [{ viewerId: ben, conversationId: group, since }],
      [{ viewerId: ben, deviceId: "phone" }],
    ),
    changes: await sync.changes([{ ...question, limit: 50 }]),
    inspected: [
      await inspectConversation(url, group, page),
      await inspectUser(url, ben, page),
      await inspectMessage(url, one, page),
    ],
  };
}
