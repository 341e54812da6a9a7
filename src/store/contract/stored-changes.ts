import { expect, test } from "bun:test";
import type { Change } from "../../core/ports/commit.ts";
import { newId } from "../../system.ts";
import {
  aConversationChange,
  aDeletion,
  aMemberEvent,
  anEdit,
  aReaction,
  aSending,
  changeOf,
  messageOf,
} from "../../testing/builders/changes.ts";
import { aGroup, append, counted, type StoreStage } from "./stage.ts";

/** What `findStored` answers after a batch of unknown outcome. */
export function storedChangesContract(on: () => StoreStage): void {
  const isStored = async (change: Change) => (await on().actorReads.findStored([change]))[0];

  /** Two messages, one of which was edited and the other deleted, and a member who came. */
  async function aLog() {
    const { id } = await aGroup(on());
    const [one, two] = [aSending(id, 1), aSending(id, 2)];
    const edit = anEdit(messageOf(one), 3, "edited");
    const deletion = aDeletion(messageOf(two), 4);
    const came = aMemberEvent("member_added", id, { userId: newId(), rev: 5, joinedSeq: 2, joinedRev: 5 });
    const renamed = aConversationChange(id, 6, '{"name":"a"}');
    const stored = [
      one,
      two,
      changeOf(id, 3, edit),
      changeOf(id, 4, deletion),
      changeOf(id, 5, came),
      changeOf(id, 6, renamed),
    ];
    await append(on(), { changes: stored.slice(0, 2) });
    await append(on(), { changes: stored.slice(2) });
    return { id, one, edit, deletion, came, renamed, stored };
  }

  test("a change is stored by what it alone wrote, not by its number: another owner's change under it is another one", async () => {
    const { id, one, edit, deletion, came, renamed, stored } = await aLog();
    // One by one: a change that is found speaks for those before it.
    for (const each of stored) expect(await isStored(each)).toBe(true);
    const rivals = [
      aSending(id, 1, { id: newId() }),
      changeOf(id, 3, { ...edit, changeId: newId() }),
      changeOf(id, 4, { ...deletion, changeId: edit.changeId }),
      changeOf(id, 5, { ...came, member: { ...came.member, joinedAtUs: came.member.joinedAtUs + 1 } }),
      changeOf(id, 5, {
        ...came,
        type: "member_removed",
        member: { ...came.member, leftSeq: 2, leftAtUs: 1 },
      }),
      changeOf(id, 6, { ...renamed, atUs: renamed.atUs + 1 }),
      changeOf(id, 4, { ...deletion, type: "media_attached", changeId: newId() }),
      aSending(id, 7, { seq: 3, rev: 7 }),
      changeOf(id, 7, { ...came, rev: 7, member: { ...came.member, userId: newId(), rev: 7 } }),
      changeOf(id, 7, {
        ...came,
        type: "member_role_changed",
        rev: 7,
        member: { ...came.member, role: "admin", rev: 7 },
      }),
      changeOf(id, 7, { ...edit, rev: 7, message: { ...edit.message, rev: 7 } }),
      changeOf(id, 7, { ...renamed, rev: 7 }),
      changeOf(newId(), 1, ...one.events),
    ];
    for (const each of rivals) expect(await isStored(each)).toBe(false);
  });

  test("the whole batch is one query, in the order of its changes; of several changes of a message the last one speaks for all", async () => {
    const [{ id, members }, other] = [await aGroup(on()), await aGroup(on())];
    const sent = aSending(id, 1);
    const edit = anEdit(messageOf(sent), 2, "edited");
    const reaction = aReaction("reaction_added", edit.message, 3, { userId: members[0]! });
    const stored = [sent, changeOf(id, 2, edit), changeOf(id, 3, reaction)];
    await append(on(), { changes: [sent] });
    await append(on(), { changes: [...stored.slice(1), aSending(other.id, 1)] });
    const batch = [stored[1]!, aSending(other.id, 2), stored[2]!];
    const { result, reads } = await counted(on(), () => on().actorReads.findStored(batch));
    expect(result).toEqual([true, false, true]);
    expect(reads ?? 1).toBe(1);
    expect(await isStored(changeOf(id, 3, { ...reaction, changeId: newId() }))).toBe(false);
    expect(await on().actorReads.findStored([])).toEqual([]);
  });

  test("a batch of which nothing was written, because another owner wrote, is not stored", async () => {
    const { id } = await aGroup(on());
    const sent = messageOf(aSending(id, 1));
    await append(on(), { changes: [aSending(id, 1, sent)] });
    const late = changeOf(id, 9, aReaction("reaction_added", sent, 9));
    expect(await append(on(), { changes: [late] })).toMatchObject({ type: "stored", moved: new Set([id]) });
    expect(await isStored(late)).toBe(false);
    expect(await on().actorReads.readMessages([{ conversationId: id, seq: 1 }])).toEqual([sent]);
  });
}
