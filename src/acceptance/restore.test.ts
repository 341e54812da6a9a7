import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestKeys, testKeys } from "../testing/builders/tokens.ts";
import type { Device } from "../testing/clients/device.ts";
import type { JoinReply, KeptMessage } from "../testing/clients/device-types.ts";
import { People, type Person } from "../testing/clients/people.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../testing/processes/server.ts";

/** The server starts again from a backup: what was sent after it is gone, and every device is told so. On the executable. */

const base = mkdtempSync(join(tmpdir(), "whispr-restore-"));
let keys: TestKeys;
let port: number;
beforeAll(async () => {
  [keys, port] = await Promise.all([testKeys(), freePort()]);
});
afterAll(() => {
  keys.dispose();
  rmSync(base, { recursive: true, force: true });
}, 120_000);

const sentBefore = 10;
const sentAfter = 5;

describe.each([
  { name: "fewer messages than were lost", others: 2 },
  { name: "more messages than were lost", others: 9 },
])("devices of a server that was restored from a backup, and then got $name", ({ others }) => {
  test("are told that they cannot resume, and end with the restored log", async () => {
    const [original, copy] = [join(base, `original ${others}`), join(base, `copy ${others}`)];
    const first = await serve(original);
    const people = new People({ url: first.url, token: keys.token });
    const { alice, bob, conversationId } = await people.pair();
    const world = { alice, bob, conversationId };

    const known = await bob.online("known");
    const saysCursors = await bob.online("says cursors");
    await post(world, "before", sentBefore);
    await takeBackup(original, copy);
    const newcomer = await bob.online("came after the backup");
    newcomer.sayCursors();
    const lost = await post(world, "lost", sentAfter);
    const devices = [known, saysCursors, newcomer];
    for (const device of devices) await haveAndLeave(device, conversationId, lost.at(-1)!);
    const cursor = await cursorOf(bob, conversationId);
    expect((await first.end("SIGTERM")).code).toBe(0);

    await using _second = await serve(copy);
    await post(world, "after", others);
    saysCursors.sayCursors();
    for (const device of devices) {
      expect(await device.connect()).toMatchObject({ resumed: false, generation: 2 });
      await device.readAfresh(conversationId, bob.rest);
    }
    await conversationsAreNotResumed(bob, conversationId, cursor);
    await expectChangesExpired(bob, conversationId, cursor);

    const [live] = await post(world, "live", 1);
    const log = await bob.rest.history(conversationId);
    expect(log.map(({ content }) => content)).toEqual(restoredLog(others));
    for (const device of devices) {
      await device.keeps(conversationId, live!.seq);
      expect(device.contents(conversationId)).toEqual(log.map(({ content }) => content));
      expect(device.messages(conversationId).map(({ id }) => id)).toEqual(log.map(({ id }) => id));
      expect(device.violations).toEqual([]);
      await device.proves();
      await device.disconnect();
    }
    for (const device of devices)
      expect(await device.connect()).toMatchObject({ resumed: true, generation: 2 });
    await people.disconnect();
  }, 180_000);
});

interface World {
  readonly alice: Person;
  readonly conversationId: string;
}

function serve(dataDir: string): Promise<ServerProcess> {
  const environment = { WHISPR_DATA_DIR: dataDir, JWT_PUBLIC_KEYS_FILE: keys.jwksFile };
  return startServer({ arguments: ["serve"], environment, port });
}

async function takeBackup(dataDir: string, target: string): Promise<void> {
  const [file, ...before] = serverCommand();
  const command = [file!, ...before, "admin", "backup", target];
  const backup = Bun.spawn(command, {
    env: { PATH: process.env.PATH ?? "", WHISPR_DATA_DIR: dataDir },
    stdout: "pipe",
    stderr: "pipe",
  });
  const complaints = await new Response(backup.stderr).text();
  expect({ code: await backup.exited, complaints }).toMatchObject({ code: 0 });
}

async function post({ alice, conversationId }: World, text: string, count: number): Promise<KeptMessage[]> {
  const sent: KeptMessage[] = [];
  for (let n = 1; n <= count; n++) {
    const path = `/conversations/${conversationId}/messages`;
    const { body } = await alice.rest.call("POST", path, { content: `${text} ${n}` });
    sent.push((body as { data: KeptMessage }).data);
  }
  return sent;
}

async function haveAndLeave(device: Device, conversationId: string, last: KeptMessage): Promise<void> {
  const isNew = (device.messages(conversationId)[0]?.seq ?? 1) > 1;
  await device.keeps(conversationId, isNew ? sentAfter : last.seq);
  await device.proves();
  await device.disconnect();
}

interface Cursor {
  readonly since_seq: number;
  readonly since_rev: number;
  readonly generation: number;
}

async function cursorOf(person: Person, conversationId: string): Promise<Cursor> {
  const device = await person.device("asks");
  await device.open();
  const { head_seq, head_rev, generation } = await device.openConversation(conversationId);
  await device.disconnect();
  return { since_seq: head_seq, since_rev: head_rev, generation } as Cursor;
}

/** Whether or not the device kept the generation of its cursor. */
async function conversationsAreNotResumed(
  person: Person,
  conversationId: string,
  { generation, ...cursor }: Cursor,
): Promise<void> {
  for (const since of [cursor, { ...cursor, generation }]) {
    const reply = await openAnew(person, conversationId, since);
    expect(reply).toMatchObject({ resumed: false, generation: 2 });
    expect(reply).not.toHaveProperty("changes");
    const now = { since_seq: reply.head_seq, since_rev: reply.head_rev, generation: 2 };
    expect(await openAnew(person, conversationId, now)).toMatchObject({ resumed: true });
  }
}

async function openAnew(person: Person, conversationId: string, since: object): Promise<JoinReply> {
  const device = await person.device("opens");
  await device.open();
  const reply = await device.openConversation(conversationId, since);
  await device.disconnect();
  return reply;
}

async function expectChangesExpired(
  person: Person,
  conversationId: string,
  { since_rev, generation }: Cursor,
): Promise<void> {
  for (const query of [`since=${since_rev}`, `since=${since_rev}&generation=${generation}`]) {
    const path = `/conversations/${conversationId}/changes?${query}`;
    await expect(person.rest.call("GET", path)).rejects.toThrow(/410.*cursor_expired/);
  }
}

function restoredLog(others: number): string[] {
  const numbered = (text: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${text} ${n + 1}`);
  return [...numbered("before", sentBefore), ...numbered("after", others), "live 1"];
}
