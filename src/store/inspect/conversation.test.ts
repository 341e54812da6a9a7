import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../system.ts";
import { aMark, aMemberEvent, aSending, changeOf, startUs } from "../../testing/builders/changes.ts";
import { startWriter, type Writer } from "../../testing/processes/writer-on-postgres.ts";
import { inspectConversation } from "./conversation.ts";

const all = { limit: 100, offset: 0 };

let writer: Writer;
beforeAll(async () => {
  writer = await startWriter();
}, 120_000);
afterAll(() => writer.close());

test("operators see who is and was a member and how far each has read, and never what was written", async () => {
  const { id, members } = await writer.aGroup(2);
  const [anna, ben] = members as [string, string];
  const content = "a secret";
  await writer.append({ changes: [1, 2, 3].map((seq) => aSending(id, seq, { content })) });
  const gone = aMemberEvent("member_removed", id, { userId: ben, rev: 4, leftSeq: 3, leftAtUs: startUs });
  await writer.append({
    changes: [changeOf(id, 4, gone)],
    marks: [aMark(id, anna, { delivered: 3, read: 2 })],
  });
  const found = await inspectConversation(writer.database.url, id, all);
  expect(found).toMatchObject({
    head: { seq: 3, rev: 4, membersRev: 4 },
    stored: { messages: 3, maxSeq: 3 },
    memberCount: 2,
    owner: { epoch: expect.any(Number) },
  });
  const seen = new Map(found!.members.map((member) => [member.userId, member]));
  expect(seen.get(anna)).toMatchObject({ joinedSeq: 0, leftSeq: null, deliveredSeq: 3, readSeq: 2 });
  expect(seen.get(anna)).toMatchObject({ undelivered: 0, unread: 1, devices: 0 });
  expect(seen.get(ben)).toMatchObject({ leftSeq: 3, deliveredSeq: 0, readSeq: 0, undelivered: 3, unread: 3 });
  expect(seen.get(ben)!.leftAt).not.toBeNull();
  expect(JSON.stringify(found)).not.toContain(content);
  expect(await inspectConversation(writer.database.url, newId(), all)).toBeNull();
});

test("a large group is shown in pages, in the order in which its members came", async () => {
  const { id, members } = await writer.aGroup(5);
  const pages = await Promise.all(
    [0, 2, 4, 6].map((offset) => inspectConversation(writer.database.url, id, { limit: 2, offset })),
  );
  expect(pages.map((page) => [page!.memberCount, page!.members.length])).toEqual([
    [5, 2],
    [5, 2],
    [5, 1],
    [5, 0],
  ]);
  const shown = pages.flatMap((page) => page!.members.map(({ userId }) => userId));
  expect(shown.toSorted()).toEqual(members.toSorted());
});
