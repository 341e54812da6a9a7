import { afterEach, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { newId } from "../../system.ts";
import { type TestDatabase, testDatabase } from "../../testing/processes/database.ts";
import { outsideClient } from "../../testing/processes/outside.ts";
import { migrate } from "./migrator.ts";

/** Groups that version 0.3 left without an owner get one by the migration to 0.4. */

let database: TestDatabase;
let client: pg.Client;

beforeEach(async () => {
  database = await testDatabase();
  client = await outsideClient(database.url);
  await migrate({ url: database.url, direction: "up", to: 6 });
}, 120_000);
afterEach(async () => {
  await client.end();
  await database.close();
});

/** Role, the day of May on which they joined, and whether they left. */
type Stored = readonly [role: string, day: number, hasLeft?: boolean];

async function stored(type: "group" | "direct", members: readonly Stored[]) {
  const id = newId();
  const userIds = members.map(() => newId()).sort();
  const pair = type === "direct" ? userIds : [null, null];
  await client.query(
    "insert into conversations (id, type, created_at, updated_at, direct_low, direct_high) values ($1, $2, now(), now(), $3, $4)",
    [id, type, ...pair],
  );
  await client.query(
    "insert into conversation_heads (conversation_id, seq, rev, members_rev) values ($1, 3, 9, 8)",
    [id],
  );
  for (const [index, [role, day, hasLeft = false]] of members.entries())
    await client.query(
      `insert into conversation_members (conversation_id, user_id, role, joined_at, rev, left_seq, left_at)
       values ($1, $2, $3, make_timestamptz(2026, 5, $4, 0, 0, 0, 'UTC'), 5, $5, $6)`,
      [id, userIds[index], role, day, hasLeft ? 2 : null, hasLeft ? new Date() : null],
    );
  return { id, userIds };
}

async function membersOf(id: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ role: string; rev: number }>(
    "select role, rev::int from conversation_members where conversation_id = $1 order by user_id",
    [id],
  );
  return rows.map(({ role, rev }) => `${role} ${rev}`);
}

async function headOf(id: string): Promise<readonly number[]> {
  const { rows } = await client.query<{ seq: number; rev: number; members_rev: number }>(
    "select seq::int, rev::int, members_rev::int from conversation_heads where conversation_id = $1",
    [id],
  );
  const { seq, rev, members_rev } = rows[0]!;
  return [seq, rev, members_rev];
}

async function seen(conversations: readonly { readonly id: string }[]): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const { id } of conversations) found.push([await membersOf(id), await headOf(id)]);
  return found;
}

const up = () => migrate({ url: database.url, direction: "up", to: 7 });

test("the longest-standing admin, else moderator, else member becomes the owner, at a revision of its own", async () => {
  const cases: readonly (readonly [members: readonly Stored[], heir: number])[] = [
    [
      [
        ["member", 1],
        ["admin", 3],
        ["admin", 2],
        ["owner", 1, true],
      ],
      2,
    ],
    [
      [
        ["member", 1],
        ["moderator", 3],
        ["admin", 2, true],
        ["moderator", 3],
      ],
      1,
    ],
    [
      [
        ["member", 2],
        ["member", 1],
      ],
      1,
    ],
    [[["admin", 9]], 0],
  ];
  const groups = [];
  for (const [members] of cases) groups.push(await stored("group", members));
  await up();
  for (const [index, [members, heir]] of cases.entries()) {
    const { id } = groups[index]!;
    const expected = members.map(([role], at) => (at === heir ? "owner 10" : `${role} 5`));
    expect(await membersOf(id)).toEqual(expected);
    expect(await headOf(id)).toEqual([3, 10, 10]);
  }
});

test("whatever has its owner, is a direct conversation or has no members stays as it is", async () => {
  const others = [
    await stored("group", [
      ["admin", 1],
      ["owner", 2],
    ]),
    await stored("direct", [
      ["member", 1],
      ["member", 2],
    ]),
    await stored("group", [["owner", 1, true]]),
    await stored("group", []),
  ];
  const before = await seen(others);
  await up();
  expect(await seen(others)).toEqual(before);
});

test("a group that is written to meanwhile is not waited for, and the others get their owners", async () => {
  const [busy, marked, idle] = [
    await stored("group", [["admin", 1]]),
    await stored("group", [["admin", 1]]),
    await stored("group", [["admin", 1]]),
  ];
  const writer = await outsideClient(database.url);
  await writer.query("begin");
  await writer.query("update conversation_heads set rev = 10 where conversation_id = $1", [busy.id]);
  await writer.query("update conversation_members set read_seq = 3 where conversation_id = $1", [marked.id]);
  await up();
  await writer.query("commit");
  await writer.end();
  expect(await membersOf(idle.id)).toEqual(["owner 10"]);
  for (const { id } of [busy, marked]) expect(await membersOf(id)).toEqual(["admin 5"]);
  expect(await headOf(busy.id)).toEqual([3, 10, 8]);
});

test("the step back leaves the owners", async () => {
  const { id } = await stored("group", [["admin", 1]]);
  await up();
  await migrate({ url: database.url, direction: "down", to: 6 });
  expect(await membersOf(id)).toEqual(["owner 10"]);
  await up();
  expect(await headOf(id)).toEqual([3, 10, 10]);
});
