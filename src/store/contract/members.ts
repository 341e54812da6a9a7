import { expect, test } from "bun:test";
import { newId } from "../../system.ts";
import {
  aConversationChange,
  aMark,
  aMemberEvent,
  aSending,
  changeOf,
  startUs,
} from "../../testing/builders/changes.ts";
import { aGroup, append, type StoreStage, storedAll } from "./stage.ts";

/** What changes of members and of metadata leave, as the node itself reads it. */
export function membersContract(on: () => StoreStage): void {
  async function whole(conversationId: string) {
    const request = {
      conversationId,
      viewerId: null,
      sinceRev: 0,
      generation: null,
      sinceSeq: null,
      limit: 100,
    };
    return (await on().syncReads.changes([request]))[0]!;
  }
  const memberOf = async (id: string, userId: string) => {
    const { members, marks } = await whole(id);
    const member = members.find((each) => each.userId === userId);
    return { ...member, marks: marks.find((each) => each.userId === userId) };
  };
  const over = (conversationId: string, rev: number) =>
    ({ type: "conversation_deactivated", conversationId, rev, atUs: startUs + rev }) as const;

  test("a batch leaves a conversation as its last change says; the last member's leaving changes nothing else of it", async () => {
    const [renamed, left] = [await aGroup(on(), 2), await aGroup(on(), 2)];
    const gone = { userId: left.members[0]!, rev: 3, leftSeq: 0, leftAtUs: startUs + 3 };
    const changes = [
      changeOf(renamed.id, 1, aConversationChange(renamed.id, 1, '{"name":"a"}')),
      changeOf(renamed.id, 2, aConversationChange(renamed.id, 2, '{"name":"b","n":12345678901234567890}')),
      changeOf(left.id, 1, aConversationChange(left.id, 1, '{"name":"c"}')),
      aSending(left.id, 1, { rev: 2, createdRev: 2 }),
      changeOf(left.id, 3, aMemberEvent("member_removed", left.id, gone), over(left.id, 3)),
    ];
    expect(await append(on(), { changes })).toEqual(storedAll);
    expect((await whole(renamed.id)).conversation).toEqual({
      id: renamed.id,
      type: "group",
      metadata: '{"name":"b","n":12345678901234567890}',
      isActive: true,
      rev: 2,
      updatedAtUs: startUs + 2,
    });
    const after = { metadata: '{"name":"c"}', isActive: false, rev: 3, updatedAtUs: startUs + 3 };
    const { conversation, head } = await whole(left.id);
    expect(conversation).toMatchObject(after);
    expect(head).toMatchObject({ seq: 1, rev: 3, membersRev: 3 });
  });

  test("a conversation whose last member leaves in a batch of its own keeps its metadata", async () => {
    const { id, members } = await aGroup(on(), 2);
    await append(on(), { changes: [changeOf(id, 1, aConversationChange(id, 1, '{"name":"a"}'))] });
    const gone = { userId: members[0]!, rev: 2, leftSeq: 0, leftAtUs: startUs };
    await append(on(), { changes: [changeOf(id, 2, aMemberEvent("member_removed", id, gone), over(id, 2))] });
    expect((await whole(id)).conversation).toMatchObject({
      metadata: '{"name":"a"}',
      isActive: false,
      rev: 2,
    });
  });

  test("who is promoted and demoted in one batch ends as the last change says", async () => {
    const { id, members } = await aGroup(on());
    const userId = members[1]!;
    const changes = (["admin", "moderator"] as const).map((role, index) =>
      changeOf(id, index + 1, aMemberEvent("member_role_changed", id, { userId, rev: index + 1, role })),
    );
    expect(await append(on(), { changes })).toEqual(storedAll);
    expect(await memberOf(id, userId)).toMatchObject({ role: "moderator", rev: 2, leftSeq: null });
  });

  test("messages from before a member came count as received and read, and the head says when members changed last", async () => {
    const { id, members } = await aGroup(on());
    const [dora, emil] = [newId(), newId()];
    await append(on(), { changes: [aSending(id, 1), aSending(id, 2)] });
    const joined = { joinedSeq: 2, joinedRev: 3, rev: 3 };
    const coming = [dora, emil].map((userId) => aMemberEvent("member_added", id, { userId, ...joined }));
    const changes = [changeOf(id, 3, ...coming), aSending(id, 3, { rev: 4, createdRev: 4 })];
    expect(await append(on(), { changes })).toEqual(storedAll);
    for (const userId of [dora, emil])
      expect(await memberOf(id, userId)).toMatchObject({
        ...joined,
        role: "member",
        leftSeq: null,
        leftAtUs: null,
        marks: { userId, deliveredSeq: 2, readSeq: 2 },
      });
    const head = { seq: 3, rev: 4, membersRev: 3, lastMessageAtUs: startUs + 3 };
    expect((await whole(id)).head).toEqual(head);
    expect(await memberOf(id, members[1]!)).toMatchObject({
      joinedSeq: 0,
      rev: 0,
      marks: { deliveredSeq: 0 },
    });
  });

  test("who leaves keeps the record with its end; who comes again has a new membership, and marks never go back", async () => {
    const { id, members } = await aGroup(on());
    const ben = members[1]!;
    await append(on(), { changes: [1, 2, 3, 4].map((seq) => aSending(id, seq)) });
    await append(on(), { marks: [aMark(id, ben, { read: 4 })] });
    const gone = { userId: ben, rev: 5, leftSeq: 4, leftAtUs: startUs + 5 };
    await append(on(), { changes: [changeOf(id, 5, aMemberEvent("member_removed", id, gone))] });
    expect(await memberOf(id, ben)).toMatchObject({ ...gone, joinedSeq: 0, marks: undefined });
    const again = { userId: ben, rev: 7, joinedSeq: 2, joinedRev: 7 };
    const changes = [
      aSending(id, 5, { rev: 6, createdRev: 6 }),
      changeOf(id, 7, aMemberEvent("member_added", id, again)),
    ];
    expect(await append(on(), { changes })).toEqual(storedAll);
    const marks = { userId: ben, deliveredSeq: 4, readSeq: 4 };
    expect(await memberOf(id, ben)).toMatchObject({ ...again, leftSeq: null, leftAtUs: null, marks });
    expect((await whole(id)).head).toMatchObject({ seq: 5, rev: 7, membersRev: 7 });
  });

  test("a membership that changes several times in a batch is as the last change left it", async () => {
    const { id } = await aGroup(on());
    const [dora, emil] = [newId(), newId()];
    const coming = [dora, emil].map((userId) =>
      aMemberEvent("member_added", id, { userId, joinedRev: 1, rev: 1 }),
    );
    const gone = { userId: dora, joinedRev: 1, rev: 2, leftSeq: 0, leftAtUs: startUs };
    const promoted = { userId: emil, role: "admin", rev: 3 } as const;
    const changes = [
      changeOf(id, 1, ...coming),
      changeOf(id, 2, aMemberEvent("member_removed", id, gone)),
      changeOf(id, 3, aMemberEvent("member_role_changed", id, promoted)),
    ];
    expect(await append(on(), { changes })).toEqual(storedAll);
    expect(await memberOf(id, dora)).toMatchObject({ rev: 2, leftSeq: 0 });
    expect(await memberOf(id, emil)).toMatchObject({ rev: 3, role: "admin", leftSeq: null });
  });
}
