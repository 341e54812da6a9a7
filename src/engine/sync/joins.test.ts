import { describe, expect, test } from "bun:test";
import type { ChangesRequest, DevicePosition, JoinRequest, UserFacts } from "../../core/ports/sync-reads.ts";
import { isRejection } from "../../core/rejection.ts";
import { newId } from "../../system.ts";
import { aMessageSent, membersNamed } from "../../testing/builders/builders.ts";
import { settled, VirtualClock } from "../../testing/clock.ts";
import { createdRevs } from "../../testing/model/actor-reads.ts";
import { changesOf } from "../../testing/model/changes.ts";
import { ModelStore } from "../../testing/model/model-store.ts";
import { joinFactsOf, positionsOf, userFactsOf } from "../../testing/model/sync-reads.ts";
import { Joins, longestResume, type ReportedCursors } from "./joins.ts";

/** Joins over a model, with what a device is known by, and what was asked of the store. */
function someJoins(known: Partial<Pick<UserFacts, "generation" | "deviceGeneration" | "standings">> = {}) {
  const model = new ModelStore({ loadedKeys: 4 });
  const [anna, ben] = [newId(), newId()];
  const asked: string[] = [];
  const registered: object[] = [];
  let saving: Promise<void> | null = null;
  const joins = new Joins({
    reads: {
      async joinFacts(conversations, users) {
        asked.push(`facts of ${conversations.length} conversations and ${users.length} users`);
        return {
          conversations: conversations.map((question) => joinFactsOf(model, question)),
          users: users.map((request) => ({ ...userFactsOf(model, request), ...known })),
        };
      },
      async changes(questions) {
        asked.push(`changes of ${questions.length} conversations`);
        return questions.map((question: ChangesRequest) => changesOf(model, question));
      },
    },
    messages: {
      async findCreatedRevs(places) {
        asked.push(`${places.length} revisions`);
        return createdRevs(model, places);
      },
    },
    cursors: {
      async register(device) {
        asked.push("a device");
        registered.push(device);
        return positionsOf(model, device.userId, undefined);
      },
    },
    settled: () => saving,
    clock: new VirtualClock(),
  });
  return {
    model,
    joins,
    anna,
    ben,
    asked,
    registered,
    saveUntil(promise: Promise<void>) {
      saving = promise;
    },
    /** A conversation with so many messages of anna's. */
    aTalk(messages: number, length = 5) {
      const id = newId();
      model.create(id, membersNamed([anna, ben]));
      for (let seq = 1; seq <= messages; seq++)
        model.write(id, [
          aMessageSent({ conversationId: id, senderId: anna, seq, rev: seq, content: "x".repeat(length) }),
        ]);
      return id;
    },
    since: (conversationId: string, rev: number): JoinRequest => ({
      viewerId: ben,
      conversationId,
      since: { seq: rev, rev, generation: 1 },
    }),
  };
}

describe("what joins cost", () => {
  test("a device that missed nothing: one query for its user's topic and its conversations, whichever comes first", async () => {
    for (const isUserFirst of [true, false]) {
      const { joins, ben, asked, aTalk, since } = someJoins({ deviceGeneration: 1, generation: 1 });
      const ids = Array.from({ length: 40 }, () => aTalk(3));
      const joinUser = () => joins.user({ viewerId: ben, deviceId: "phone" }, null);
      const user = isUserFirst ? joinUser() : null;
      const conversations = ids.map((id) => joins.conversation(since(id, 3)));
      const joined = [await (user ?? joinUser()), ...(await Promise.all(conversations))];
      expect(joined.filter((each) => isRejection(each))).toEqual([]);
      expect(asked).toEqual(["facts of 40 conversations and 1 users"]);
    }
  });

  test("500 conversations with something missed in each: two queries", async () => {
    const { joins, asked, aTalk, since } = someJoins();
    const ids = Array.from({ length: 500 }, () => aTalk(4));
    const joined = await Promise.all(ids.map((id) => joins.conversation(since(id, 2))));
    expect(asked).toEqual(["facts of 500 conversations and 0 users", "changes of 500 conversations"]);
    for (const each of joined)
      expect(!isRejection(each) && each.changes!.messages.map(({ message }) => message.seq)).toEqual([3, 4]);
  });

  test("a device that was never seen: one more, which makes it known", async () => {
    const { joins, ben, asked, registered } = someJoins();
    await joins.user({ viewerId: ben, deviceId: "phone" }, null);
    expect(asked).toEqual(["facts of 0 conversations and 1 users", "a device"]);
    expect(registered).toEqual([{ userId: ben, deviceId: "phone" }]);
  });

  test("a socket without a device: one, and nothing is remembered", async () => {
    const { joins, ben, asked, aTalk } = someJoins();
    const id = aTalk(3);
    const joined = await joins.user({ viewerId: ben, deviceId: null }, null);
    expect(asked).toHaveLength(1);
    expect(joined).toEqual({
      generation: 1,
      resumed: true,
      standings: [{ conversationId: id, seq: 3, rev: 3, headSeq: 3, headRev: 3 }],
      pending: new Map(),
      apartIds: [],
    });
  });

  test("a join waits for what its device has just confirmed, and for nothing when nothing is being saved", async () => {
    const { joins, ben, asked, saveUntil } = someJoins({ deviceGeneration: 1, generation: 1 });
    const { promise, resolve } = Promise.withResolvers<void>();
    saveUntil(promise);
    const joining = joins.user({ viewerId: ben, deviceId: "phone" }, null);
    await settled();
    expect(asked).toEqual([]);
    resolve();
    await joining;
    expect(asked).toHaveLength(1);
  });
});

describe("the difference of a conversation", () => {
  test("is nothing at the head, from what the join has read anyway", async () => {
    const { joins, asked, aTalk, since } = someJoins();
    const id = aTalk(3);
    const joined = await joins.conversation(since(id, 3));
    expect(joined).toMatchObject({ changes: { messages: [], next: { seq: 3, rev: 3 }, hasMore: false } });
    expect(asked).toHaveLength(1);
  });

  test("is not sent when nothing was asked for", async () => {
    const { joins, aTalk, ben } = someJoins();
    const joined = await joins.conversation({ viewerId: ben, conversationId: aTalk(3), since: null });
    expect(joined).toMatchObject({ changes: null, facts: { head: { seq: 3, rev: 3 } } });
  });

  test.each([
    ["longer than a resume may be", longestResume + 1, 5, 0],
    ["larger than a socket takes in one piece", 3, 60_000, 0],
    ["from beyond the head", 3, 5, 9],
  ])("is not sent when it is %s", async (_, messages, length, rev) => {
    const { joins, aTalk, since } = someJoins();
    const joined = await joins.conversation(since(aTalk(messages, length), rev));
    expect(joined).toMatchObject({ changes: null, facts: { head: { seq: messages, rev: messages } } });
  });

  test("comes with the head that it leads to", async () => {
    const { joins, aTalk, since } = someJoins();
    const joined = await joins.conversation(since(aTalk(longestResume), 0));
    expect(joined).toMatchObject({ facts: { head: { seq: longestResume } }, changes: { hasMore: false } });
  });

  test("I8: is no stranger's: unknown conversations and those of others get the same answer", async () => {
    const { joins, aTalk } = someJoins();
    const stranger = newId();
    const answers = await Promise.all(
      [aTalk(2), newId()].map((conversationId) =>
        joins.conversation({ viewerId: stranger, conversationId, since: { seq: 0, rev: 0, generation: 1 } }),
      ),
    );
    expect(answers[0]).toEqual(answers[1]!);
    expect(answers[0]).toMatchObject({ code: "not_found" });
  });
});

describe("a device's own word", () => {
  const word = (
    cursors: Readonly<Record<string, number>>,
    generation: number | null = 1,
  ): ReportedCursors => ({
    cursors: new Map(Object.entries(cursors)),
    generation,
  });
  const at = (conversationId: string, seq: number): DevicePosition => ({
    conversationId,
    seq,
    rev: seq,
    headSeq: 3,
    headRev: 3,
  });

  test("wins over what is remembered, in both directions", async () => {
    const given = someJoins({ deviceGeneration: 1, generation: 1 });
    const [one, two, three] = [given.aTalk(3), given.aTalk(3), given.aTalk(3)];
    const remembered = someRemembered(given, [at(one, 1), at(two, 3), at(three, 2)]);
    const joined = await remembered.user(
      { viewerId: given.ben, deviceId: "phone" },
      word({ [one]: 2, [two]: 1 }),
    );
    expect(joined).toMatchObject({
      resumed: true,
      standings: [at(one, 2), at(two, 1), at(three, 2)],
    });
    expect(given.asked).toEqual(["2 revisions"]);
  });

  test("of a message that is not there, or of none, brings everything", async () => {
    const given = someJoins({ deviceGeneration: 1, generation: 1 });
    const [one, two] = [given.aTalk(3), given.aTalk(3)];
    const remembered = someRemembered(given, [at(one, 3), at(two, 3)]);
    const joined = await remembered.user(
      { viewerId: given.ben, deviceId: "phone" },
      word({ [one]: 77, [two]: 0 }),
    );
    expect(joined).toMatchObject({ standings: [at(one, 0), at(two, 0)].map((each) => ({ ...each })) });
  });

  test("costs nothing when it says what is remembered", async () => {
    const given = someJoins({ deviceGeneration: 1, generation: 1 });
    const one = given.aTalk(3);
    const remembered = someRemembered(given, [at(one, 3)]);
    await remembered.user({ viewerId: given.ben, deviceId: "phone" }, word({ [one]: 3 }));
    expect(given.asked).toEqual([]);
  });

  test.each([
    ["of a device that was known before the restore", 1, null, false],
    ["of another history", null, 1, false],
    ["without a history, though there was a restore", null, null, false],
    ["of this history", null, 2, true],
  ])("after a restore %s, is it trusted?", async (_, deviceGeneration, said, resumed) => {
    const given = someJoins({ deviceGeneration, generation: 2 });
    const one = given.aTalk(3);
    const joined = await given.joins.user(
      { viewerId: given.ben, deviceId: "phone" },
      word({ [one]: 2 }, said),
    );
    expect(joined).toMatchObject({
      generation: 2,
      resumed,
      standings: [at(one, resumed ? 2 : 3)],
    });
  });

  /** Joins of a device that is known, and stands there. */
  function someRemembered(
    { model, asked }: ReturnType<typeof someJoins>,
    standings: readonly DevicePosition[],
  ): Joins {
    return new Joins({
      reads: {
        joinFacts: async () => ({
          conversations: [],
          users: [{ generation: 1, deviceGeneration: 1, standings, pending: new Map(), apartIds: [] }],
        }),
        changes: async () => [],
      },
      messages: {
        async findCreatedRevs(places) {
          asked.push(`${places.length} revisions`);
          return createdRevs(model, places);
        },
      },
      cursors: { register: async () => [] },
      settled: () => null,
      clock: new VirtualClock(),
    });
  }
});
