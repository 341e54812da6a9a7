import { expect, test } from "bun:test";
import type { DevicePosition, JoinRequest } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import { startUs } from "../../testing/builders/changes.ts";
import { PortConversation } from "../../testing/builders/port-conversation.ts";
import { byConversation, byUser, counted, type StoreStage } from "./stage.ts";

/** What `joinFacts` and `DeviceCursors` say. */
export function joinsContract(on: () => StoreStage): void {
  const join = (viewerId: string, { id }: { id: string }, rev?: number): JoinRequest => ({
    viewerId,
    conversationId: id,
    since: rev === undefined ? null : { seq: rev, rev, generation: 1 },
  });
  const register = async (userId: string, deviceId = "phone") =>
    byConversation(await on().cursors.register({ userId, deviceId }, startUs));
  const confirm = ({ id }: PortConversation, userId: string, seq: number, rev: number, deviceId = "phone") =>
    on().cursors.save([{ userId, deviceId, conversationId: id, seq, rev }]);
  const factsOf = async (viewerId: string, deviceId: string | null) =>
    (await on().syncReads.joinFacts([], [{ viewerId, deviceId }])).users[0]!;
  const positionsOf = async (viewerId: string, deviceId: string | null) =>
    byConversation((await factsOf(viewerId, deviceId)).standings);
  const at = (
    { id, seq, rev }: PortConversation,
    confirmedSeq = seq,
    confirmedRev = rev,
  ): DevicePosition => ({
    conversationId: id,
    headSeq: seq,
    headRev: rev,
    seq: confirmedSeq,
    rev: confirmedRev,
  });

  test("joins of 500 conversations and of 500 users are one query, answered in the order in which they were asked", async () => {
    const [anna, ben, stranger] = [newId(), newId(), newId()];
    const conversations: PortConversation[] = [];
    for (let each = 0; each < 20; each++) conversations.push(await PortConversation.of(on(), [anna, ben]));
    await conversations[4]!.fill(anna, 3);
    await conversations[5]!.remove(ben);
    await register(anna);
    const viewers = [anna, ben, stranger];
    const asked = Array.from({ length: 500 }, (_, index) =>
      join(viewers[index % 3]!, conversations[index % 20]!, index % 2 ? 0 : undefined),
    );
    const users = Array.from({ length: 500 }, (_, index) => ({
      viewerId: viewers[index % 3]!,
      deviceId: index % 2 ? "phone" : null,
    }));
    const { result: facts, reads } = await counted(on(), () => on().syncReads.joinFacts(asked, users));
    expect(reads ?? 1).toBe(1);
    for (const [index, answer] of facts.conversations.entries()) {
      const { viewerId, conversationId, since } = asked[index]!;
      const { rev } = conversations[index % 20]!;
      const isLeft = index % 20 === 5;
      const sees = viewerId === anna || (viewerId === ben && !isLeft);
      expect(answer).toMatchObject({ viewerId, conversationId, isExpired: false, generation: 1 });
      expect(answer).toMatchObject(
        sees
          ? { membership: { role: viewerId === anna ? "owner" : "member" }, head: { rev } }
          : { membership: null, head: null, conversation: null, marks: [] },
      );
      expect(answer.marks).toHaveLength(sees && since ? (isLeft ? 1 : 2) : 0);
    }
    for (const [index, answer] of facts.users.entries()) {
      const { viewerId, deviceId } = users[index]!;
      expect(answer.deviceGeneration).toBe(viewerId === anna && deviceId === "phone" ? 1 : null);
      expect(answer.standings).toHaveLength(viewerId === anna ? 20 : viewerId === ben ? 19 : 0);
    }
  });

  test("a join that resumes is told the marks of every member, and whether its cursor still is good", async () => {
    const [anna, ben, gone] = [newId(), newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, gone]);
    await conversation.fill(anna, 3);
    await conversation.mark(anna, 3, 3);
    await conversation.remove(gone);
    await conversation.add(ben);
    const requests = [5, 4, 6, undefined].map((rev) => join(ben, conversation, rev));
    const { conversations } = await on().syncReads.joinFacts(requests, []);
    expect(conversations.map(({ isExpired }) => isExpired)).toEqual([false, true, true, false]);
    const marks = [anna, ben].map((userId) => ({ userId, deliveredSeq: 3, readSeq: 3 }));
    expect(byUser(conversations[0]!.marks)).toEqual(byUser(marks));
    expect(conversations[3]!).toMatchObject({
      marks: [],
      conversation: { id: conversation.id, type: "group", metadata: "{}", isActive: true },
      head: { seq: 3, rev: 5, membersRev: 5 },
    });
  });

  test("a user is told which conversations they have not accepted yet, and why", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    const { users } = await on().syncReads.joinFacts(
      [],
      [anna, ben].map((viewerId) => ({ viewerId, deviceId: null })),
    );
    expect(users.map(({ pending }) => pending)).toEqual([new Map(), new Map([[conversation.id, "added"]])]);
  });

  test("a new device is at the heads of its user's conversations, and of no other", async () => {
    const [anna, ben] = [newId(), newId()];
    const [one, two, left] = [
      await PortConversation.of(on(), [anna, ben]),
      await PortConversation.of(on(), [anna, ben]),
      await PortConversation.of(on(), [anna, ben]),
    ];
    await one.fill(anna, 3);
    await left.remove(ben);
    const heads = byConversation([at(one), at(two)]);
    expect(await positionsOf(ben, "phone")).toEqual(heads);
    expect(await register(ben)).toEqual(heads);
    expect((await factsOf(ben, "phone")).deviceGeneration).toBe(1);
    expect(await positionsOf(ben, null)).toEqual(heads);
    expect(await register(newId())).toEqual([]);
  });

  test("a known device is where it has confirmed, where it has not at the begin of the membership, however often it registers", async () => {
    const [anna, ben] = [newId(), newId()];
    const confirmed = await PortConversation.of(on(), [anna, ben]);
    await register(ben);
    const untouched = await PortConversation.of(on(), [anna, ben]);
    const later = await PortConversation.of(on(), [anna]);
    await confirmed.fill(anna, 5);
    await untouched.fill(anna, 2);
    await later.fill(anna, 3);
    await later.add(ben);
    const joined = { seq: later.seq, rev: later.rev };
    await later.send(anna);
    await confirm(confirmed, ben, 3, 3);
    const expected = byConversation([
      at(confirmed, 3, 3),
      at(untouched, 0, 0),
      at(later, joined.seq, joined.rev),
    ]);
    expect(await positionsOf(ben, "phone")).toEqual(expected);
    expect(await register(ben)).toEqual(expected);
    expect(await positionsOf(ben, "another")).toEqual(
      byConversation([at(confirmed), at(untouched), at(later)]),
    );
  });

  test("sockets of a new device that register at once get the same heads", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await conversation.fill(anna, 3);
    const all = await Promise.all(Array.from({ length: 8 }, () => register(ben)));
    for (const positions of all) expect(positions).toEqual([at(conversation)]);
  });

  test("cursors only move forward, each of a device for itself, many devices in one call", async () => {
    const anna = newId();
    const users = Array.from({ length: 5 }, newId);
    const conversation = await PortConversation.of(on(), [anna, ...users]);
    for (const userId of users) for (const deviceId of ["phone", "web"]) await register(userId, deviceId);
    const move = (index: number, deviceId: string, seq: number, rev: number) => ({
      userId: users[index]!,
      deviceId,
      conversationId: conversation.id,
      seq,
      rev,
    });
    await on().cursors.save(
      users.flatMap((_, index) => [move(index, "phone", 5, 7), move(index, "web", 2, 2)]),
    );
    await on().cursors.save([
      move(0, "phone", 4, 6),
      move(1, "phone", 9, 11),
      move(1, "phone", 8, 12),
      move(2, "phone", 5, 8),
      // One number is ahead of what is stored, the other one behind.
      move(3, "phone", 6, 6),
      move(4, "phone", 4, 9),
    ]);
    const cursorOf = async (index: number, deviceId: string) => {
      const [{ seq, rev }] = (await positionsOf(users[index]!, deviceId)) as [DevicePosition];
      return [seq, rev];
    };
    const phones = await Promise.all(users.map((_, index) => cursorOf(index, "phone")));
    expect(phones).toEqual([
      [5, 7],
      [9, 12],
      [5, 8],
      [6, 7],
      [5, 9],
    ]);
    expect(await cursorOf(1, "web")).toEqual([2, 2]);
    await on().cursors.save([]);
  });

  test("a cursor from before a membership that began again stays as it is, so that the difference from there is refused", async () => {
    const [anna, ben] = [newId(), newId()];
    const conversation = await PortConversation.of(on(), [anna, ben]);
    await register(ben);
    await conversation.fill(anna, 2);
    await confirm(conversation, ben, 2, 2);
    await conversation.remove(ben);
    await conversation.add(ben);
    const [position] = await positionsOf(ben, "phone");
    expect(position).toMatchObject({ seq: 2, rev: 2, headRev: 4 });
    const since = { sinceRev: position!.rev, sinceSeq: position!.seq, generation: 1, limit: 10 };
    const [changes] = await on().syncReads.changes([
      { conversationId: conversation.id, viewerId: ben, ...since },
    ]);
    expect(changes!.isExpired).toBe(true);
  });
}
