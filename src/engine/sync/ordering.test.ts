import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Member, MemberRecord } from "../../core/conversations/conversation.ts";
import type { Message } from "../../core/messages/message.ts";
import { untagged } from "../../core/messages/send-key.ts";
import type { ChangeFrame } from "../../core/ports/pubsub.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { newId } from "../../system.ts";
import { seeds } from "../../testing/builders/arbitraries.ts";
import { aMessageSent, membersNamed, noteTaker } from "../../testing/builders/builders.ts";
import { Random } from "../../testing/builders/random.ts";
import { RandomLog } from "../../testing/builders/random-log.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { loadStates } from "../../testing/model/actor-reads.ts";
import { unheard } from "../../testing/model/bus.ts";
import { changesOf } from "../../testing/model/changes.ts";
import { ModelStore } from "../../testing/model/model-store.ts";

import { Forwarded } from "./forwarded.ts";
import type { WholeFrame } from "./gap-reader.ts";
import { KeptMembers } from "./kept-members.ts";
import { Ordering } from "./ordering.ts";

type Read = (question: ChangesRequest) => Promise<Changes> | Changes;

/** An ordering over a conversation in the model, and what it told. */
function anOrdering(read?: Read, options: { readonly maxUnheard?: number } = {}) {
  const clock = new VirtualClock();
  const notes = noteTaker();
  const model = new ModelStore({ loadedKeys: 4 });
  const [id, anna, ben] = [newId(), newId(), newId()];
  model.create(id, membersNamed([anna, ben]), "group");
  const told: WholeFrame[] = [];
  const lateness: (readonly [rev: number, isLate: boolean])[] = [];
  const announced: ReadonlyMap<string, Member>[] = [];
  const questions: ChangesRequest[] = [];
  let onTell = (_: WholeFrame) => {};
  const headReads: number[] = [];
  const memberReads: string[] = [];
  const heardTopics = new Set<string>();
  const ordering = new Ordering({
    reads: {
      async changes([question]) {
        questions.push(question!);
        return [await (read ?? ((asked) => changesOf(model, asked)))(question!)];
      },
      async heads(ids) {
        headReads.push(ids.length);
        return new Map(loadStates(model, ids).map(({ id, rev }) => [id, rev]));
      },
      async members(id) {
        memberReads.push(id);
        return loadStates(model, [id])[0] ?? null;
      },
    },
    isTopicHeard: (id) => heardTopics.has(id),
    isUserHeard: (id) => heardTopics.has(id),
    subscribe: unheard.subscribe.bind(null, "conversation"),
    ...options,
    tell(frame, isLate) {
      onTell(frame);
      told.push(frame);
      lateness.push([frame.rev, isLate]);
    },
    membersChanged: (_, members) => void announced.push(members),
    clock,
    observer: notes.observer,
  });
  const messages = Array.from({ length: 12 }, (_, index) =>
    aMessageSent({
      conversationId: id,
      senderId: anna,
      seq: index + 1,
      rev: index + 1,
      sentAtUs: 1_000 + index,
    }),
  );
  return {
    ordering,
    clock,
    notes,
    model,
    id,
    anna,
    ben,
    told,
    lateness,
    announced,
    questions,
    headReads,
    memberReads,
    heardTopics,
    revs: () => told.map(({ rev }) => rev),
    onTell(call: (frame: WholeFrame) => void) {
      onTell = call;
    },
    /** Stored, not told. */
    store: (...revs: readonly number[]) => {
      for (const rev of revs) model.write(id, [messages[rev - 1]!]);
    },
    frame: (rev: number, given: Partial<ChangeFrame> = {}): ChangeFrame => ({
      type: "changes",
      conversationId: id,
      rev,
      membersRev: 0,
      members: membersNamed([anna, ben]),
      events: [messages[rev - 1]!],
      ...given,
    }),
  };
}

describe("in order", () => {
  test("frames that follow each other are told as they come, and nothing is read", async () => {
    const { ordering, frame, revs, questions, clock } = anOrdering();
    for (const rev of [1, 2, 3]) ordering.forward(frame(rev));
    await clock.runFor(1_000);
    expect({ revs: revs(), questions }).toEqual({ revs: [1, 2, 3], questions: [] });
  });

  test("a frame that was told already is not told again", () => {
    const { ordering, frame, revs } = anOrdering();
    for (const rev of [1, 2, 1, 2, 3]) ordering.forward(frame(rev));
    expect(revs()).toEqual([1, 2, 3]);
  });

  test("of a conversation that nobody joined, the first frame is taken as it is", () => {
    const { ordering, frame, revs } = anOrdering();
    ordering.forward(frame(7));
    ordering.forward(frame(8));
    expect(revs()).toEqual([7, 8]);
  });

  test("a join is let go when what it was answered with was told: at once, by a frame, by a hole that was read, or after two seconds", async () => {
    const { ordering, id, frame, store, clock } = anOrdering();
    const gone: number[] = [];
    const wait = (rev: number) => void ordering.reached(id, rev)?.then(() => gone.push(rev));
    expect(ordering.reached(id, 9)).toBeNull();
    ordering.joined(id, 1);
    expect(ordering.reached(id, 1)).toBeNull();
    for (const rev of [2, 4, 9]) wait(rev);
    ordering.forward(frame(2));
    await clock.runFor(1);
    expect(gone).toEqual([2]);
    store(1, 2, 3, 4, 5);
    ordering.forward(frame(5));
    await clock.runFor(1_000);
    expect(gone).toEqual([2, 4]);
    await clock.runFor(1_000);
    expect(gone).toEqual([2, 4, 9]);
  });

  test("a hole is read from the store before anything later is told", async () => {
    const { ordering, frame, store, revs, told, questions, clock } = anOrdering();
    ordering.forward(frame(1));
    store(1, 2, 3, 4, 5);
    ordering.forward(frame(4));
    ordering.forward(frame(5));
    expect(revs()).toEqual([1]);
    await clock.runFor(0);
    expect(revs()).toEqual([1, 2, 3, 4, 5]);
    expect(told[2]!.events).toEqual(frame(3).events.map((event) => ({ ...event, deviceTag: untagged })));
    expect(questions.map(({ sinceRev, viewerId }) => ({ sinceRev, viewerId }))).toEqual([
      { sinceRev: 1, viewerId: null },
    ]);
  });

  test("the first frame after a join shows a hole as well", async () => {
    const { ordering, frame, id, store, revs, clock } = anOrdering();
    ordering.joined(id, 2);
    store(1, 2, 3, 4);
    ordering.forward(frame(4));
    await clock.runFor(0);
    expect(revs()).toEqual([3, 4]);
  });

  test("a store that cannot be reached is asked until it can", async () => {
    let failures = 3;
    const { ordering, frame, store, revs, clock, model, notes } = anOrdering((asked) => {
      if (failures-- > 0) throw new StoreUnavailable({ cause: null });
      return changesOf(model, asked);
    });
    ordering.forward(frame(1));
    store(1, 2, 3);
    ordering.forward(frame(3));
    await clock.runFor(599);
    expect(revs()).toEqual([1]);
    await clock.runFor(1);
    expect(revs()).toEqual([1, 2, 3]);
    expect(notes.bugs).toEqual([]);
  });

  test("messages that entered and changed in the hole are told once, as they are", async () => {
    const { ordering, frame, store, model, id, told, revs, clock } = anOrdering();
    ordering.forward(frame(1));
    store(1, 2);
    const message = { ...model.message(id, 2)!, rev: 3, content: "better", editedAtUs: 5 };
    model.write(id, [{ type: "message_edited", conversationId: id, rev: 3, changeId: newId(), message }]);
    ordering.forward(frame(4, { events: [aMessageSent({ seq: 3, rev: 4 })] }));
    model.write(id, [aMessageSent({ conversationId: id, seq: 3, rev: 4 })]);
    await clock.runFor(0);
    expect(revs()).toEqual([1, 2, 4]);
    expect(told[1]!.events).toEqual([
      { ...message, type: "message_sent", deviceTag: untagged, releasesKeyOf: null },
    ]);
  });
});

describe("I10", () => {
  test("of the frames that wait for a hole only so many are kept; the others are read as well", async () => {
    const gate = Promise.withResolvers<void>();
    const { ordering, frame, id, model, anna, revs, clock, questions } = anOrdering(async (asked) => {
      if (asked.sinceRev === 1) await gate.promise;
      return changesOf(model, asked);
    });
    const last = 2_600;
    ordering.forward(frame(1));
    for (let rev = 1; rev <= last; rev++) {
      const event = aMessageSent({ conversationId: id, senderId: anna, seq: rev, rev });
      if (rev === 1_500) gate.resolve();
      model.write(id, [event]);
      if (rev > 2) ordering.forward(frame(1, { rev, events: [event] }));
    }
    await clock.runFor(1_000);
    expect(revs()).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect(questions.length).toBeLessThan(10);
  });

  test("I10: what a large group missed is read a few rows at a time: each goes to all of its members", async () => {
    const { ordering, id, anna, frame, store, revs, questions, clock } = anOrdering();
    const others = Array.from({ length: 999 }, () => newId());
    const members = membersNamed([anna, ...others]);
    ordering.joined(id, 0);
    for (const rev of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) store(rev);
    ordering.forward(frame(10, { members }));
    await clock.runFor(1_000);
    expect(revs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(questions.map(({ sinceRev, limit }) => [sinceRev, limit])).toEqual([
      [0, 4],
      [4, 4],
      [8, 4],
    ]);
  });

  test("a bug in telling costs what it was telling, not the conversation", async () => {
    const { ordering, frame, store, revs, clock, notes, onTell } = anOrdering();
    ordering.forward(frame(1));
    store(1, 2, 3, 4, 5);
    onTell(({ rev }) => {
      if (rev === 2) throw new Error("a view that throws");
    });
    ordering.forward(frame(3));
    await clock.runFor(1_000);
    expect(notes.bugs).toHaveLength(1);
    ordering.forward(frame(4));
    ordering.forward(frame(5));
    expect(revs()).toEqual([1, 4, 5]);
  });

  test("I5: after a bug in telling, neither a join nor a comparison of heads tells what was told before", async () => {
    const { ordering, id, frame, heardTopics, store, revs, clock, onTell } = anOrdering();
    heardTopics.add(id);
    for (const rev of [1, 2]) ordering.forward(frame(rev));
    store(1, 2, 3, 4, 5);
    onTell(() => {
      onTell(() => {});
      throw new Error("a view that throws");
    });
    ordering.forward(frame(4));
    await clock.runFor(1_000);
    expect(ordering.reached(id, 4)).toBeNull();
    await ordering.compareHeads();
    await clock.runFor(3_000);
    store(6);
    ordering.forward(frame(6));
    expect(revs()).toEqual([1, 2, 6]);
  });
});

describe("I8: members", () => {
  test("other members are announced before anything of their revision is told, once", () => {
    const { ordering, frame, anna, announced, told } = anOrdering();
    ordering.forward(frame(1));
    const members = membersNamed([anna]);
    ordering.forward(frame(2, { membersRev: 2, members }));
    ordering.forward(frame(3, { membersRev: 2, members }));
    expect(announced.slice(1)).toEqual([members]);
    expect(told).toHaveLength(3);
  });

  test("a frame that comes late does not bring back members of before", async () => {
    const { ordering, frame, store, announced, anna, told, clock } = anOrdering();
    ordering.forward(frame(1));
    store(1, 2, 3, 4, 5);
    const members = membersNamed([anna]);
    ordering.forward(frame(5, { membersRev: 4, members }));
    ordering.forward(frame(3));
    await clock.runFor(0);
    expect(announced.slice(1)).toEqual([members]);
    for (const { members: audience } of told.slice(1)) expect([...audience.keys()]).toEqual([anna]);
  });

  test("who is gone hears nothing of a second hole among the frames that waited for the first", async () => {
    const gate = Promise.withResolvers<void>();
    const { ordering, frame, store, id, anna, ben, model, told, clock } = anOrdering(async (asked) => {
      const changes = changesOf(model, asked);
      if (asked.sinceRev === 1) await gate.promise;
      return changes;
    });
    ordering.forward(frame(1));
    store(1, 2, 3);
    ordering.forward(frame(3));
    await clock.runFor(0);
    store(4, 5);
    const member = { ...membersNamed([ben]).get(ben)!, rev: 6, leftSeq: 5, leftAtUs: 9 };
    model.write(id, [{ type: "member_removed", rev: 6, conversationId: id, actorId: anna, atUs: 9, member }]);
    model.write(id, [aMessageSent({ conversationId: id, senderId: anna, seq: 6, rev: 7 })]);
    ordering.forward(frame(5));
    ordering.forward(frame(7, { membersRev: 6, members: membersNamed([anna]) }));
    gate.resolve();
    await clock.runFor(1_000);
    const audiences = told.slice(1).map(({ rev, members: audience }) => [rev, [...audience.keys()]]);
    expect(audiences).toEqual([2, 3, 4, 5, 6, 7].map((rev) => [rev, [anna]]));
  });

  test("who came in the hole is not told what was before him, and who is gone by the store's word hears nothing more", async () => {
    const { ordering, frame, store, id, anna, ben, model, told, announced, clock } = anOrdering();
    const carl = newId();
    ordering.forward(frame(1));
    store(1, 2);
    const member = { ...membersNamed([ben]).get(ben)!, rev: 4, leftSeq: 2, leftAtUs: 9 };
    const came: MemberRecord = { ...member, userId: carl, joinedSeq: 2, joinedRev: 3, rev: 3, leftSeq: null };
    const about = { conversationId: id, actorId: anna, atUs: 9 };
    model.write(id, [{ type: "member_added", rev: 3, ...about, member: came }]);
    model.write(id, [{ type: "member_removed", rev: 4, ...about, member }]);
    model.write(id, [aMessageSent({ conversationId: id, senderId: anna, seq: 3, rev: 5 })]);
    const members = new Map([...membersNamed([anna, ben]), [carl, came] as const]);
    ordering.forward(frame(3, { membersRev: 3, members, events: [] }));
    await clock.runFor(0);
    const audiences = told.map(({ rev, members: audience }) => [rev, [...audience.keys()].sort()]);
    expect(audiences).toEqual([
      [1, [anna, ben].sort()],
      [2, [anna]],
      [3, [anna, carl].sort()],
      [4, [anna, carl].sort()],
      [5, [anna, carl].sort()],
    ]);
    expect([...announced.at(-1)!.keys()].sort()).toEqual([anna, carl].sort());
  });
});

describe("members that a frame of another node leaves out", () => {
  const bare = { members: null } as const;

  test("are read once; then they are known until a frame brings others", async () => {
    const { ordering, frame, store, told, anna, ben, id, questions, clock, memberReads } = anOrdering();
    ordering.joined(id, 0);
    store(1, 2, 3, 4);
    ordering.forward(frame(1, bare));
    expect(told).toEqual([]);
    await clock.runFor(0);
    ordering.forward(frame(2, bare));
    const members = membersNamed([anna]);
    ordering.forward(frame(3, { membersRev: 3, members }));
    ordering.forward(frame(4, { membersRev: 3, ...bare }));
    const audiences = told.map(({ rev, members: audience }) => [rev, [...audience.keys()].sort()]);
    const both = [anna, ben].sort();
    expect(audiences).toEqual([
      [1, both],
      [2, both],
      [3, [anna]],
      [4, [anna]],
    ]);
    expect([memberReads, questions]).toEqual([[id], []]);
  });

  test("are read again when those that are known are older", async () => {
    const { ordering, frame, store, model, told, anna, ben, id, clock, memberReads } = anOrdering();
    ordering.joined(id, 0);
    store(1);
    ordering.forward(frame(1, bare));
    await clock.runFor(0);
    const member = { ...membersNamed([ben]).get(ben)!, rev: 2, leftSeq: 1, leftAtUs: 9 };
    model.write(id, [{ type: "member_removed", rev: 2, conversationId: id, actorId: anna, atUs: 9, member }]);
    ordering.forward(frame(3, { membersRev: 2, ...bare }));
    model.write(id, [aMessageSent({ conversationId: id, senderId: anna, seq: 2, rev: 3 })]);
    await clock.runFor(0);
    expect(told.map(({ rev, members }) => [rev, [...members.keys()].sort()])).toEqual([
      [1, [anna, ben].sort()],
      [2, [anna]],
      [3, [anna]],
    ]);
    expect(memberReads).toEqual([id, id]);
  });

  test("I8: of a frame that brings older members than are known by then, those who came later do not hear as if it were theirs", async () => {
    const { ordering, frame, store, model, lateness, anna, ben, id, clock } = anOrdering();
    const carl = newId();
    ordering.joined(id, 0);
    const member = { ...membersNamed([carl]).get(carl)!, joinedRev: 3, joinedSeq: 2 };
    const record = { ...member, rev: 3, leftSeq: null, leftAtUs: null };
    const added = { type: "member_added", rev: 3, conversationId: id, actorId: anna, atUs: 9 } as const;
    store(1, 2);
    model.write(id, [{ ...added, member: record }]);
    ordering.forward(frame(1, bare));
    await clock.runFor(0);
    const before = membersNamed([anna, ben]);
    ordering.forward(frame(2, { membersRev: 2, members: before }));
    ordering.forward(frame(3, { membersRev: 3, members: new Map([...before, [carl, member]]) }));
    expect(lateness).toEqual([
      [1, true],
      [2, true],
      [3, false],
    ]);
  });

  test("I10: are kept of so many conversations only, the oldest first", () => {
    const kept = new KeptMembers({ maxMembers: 5 });
    const places = Array.from({ length: 4 }, () => ({ members: null as ReadonlyMap<string, Member> | null }));
    for (const place of places) kept.keep(place, membersNamed([newId(), newId()]));
    kept.keep(places[2]!, membersNamed([newId()]));
    expect(places.map(({ members }) => members?.size)).toEqual([undefined, undefined, 1, 2]);
    const empty = Array.from({ length: 4 }, () => ({ ...places[0]! }));
    for (const place of empty) kept.keep(place, new Map());
    expect([...places, ...empty].filter(({ members }) => members)).toHaveLength(5);
  });
});

describe("what somebody listens to", () => {
  const crowd = Array.from({ length: 40 }, () => newId());

  test("I5 E6: is never forgotten, so that a join that is ahead of a frame does not make that frame lost for the others", () => {
    for (const listens of ["on their own topic", "on the conversation's topic"]) {
      const { ordering, id, anna, frame, revs, heardTopics } = anOrdering(undefined, { maxUnheard: 4 });
      if (listens === "on their own topic") ordering.userJoined(anna, [{ conversationId: id, headRev: 3 }]);
      else heardTopics.add(id);
      ordering.forward(frame(4));
      for (const other of crowd) ordering.forward(frame(1, { conversationId: other }));
      ordering.joined(id, 5);
      for (const rev of [5, 6]) ordering.forward(frame(rev));
      expect(revs().filter((rev) => rev !== 1)).toEqual([4, 5, 6]);
    }
  });

  test("begins for those who are on their topic as a conversation is made with them, or they become members", () => {
    for (const how of ["made", "admitted"]) {
      const { ordering, id, anna, frame, revs } = anOrdering(undefined, { maxUnheard: 4 });
      ordering.userJoined(anna, []);
      if (how === "made") ordering.created(id, [anna]);
      ordering.forward(frame(1, { membersRev: 1 }));
      for (const other of crowd) ordering.forward(frame(1, { conversationId: other, members: new Map() }));
      ordering.joined(id, 2);
      for (const rev of [2, 3]) ordering.forward(frame(rev, { membersRev: 1 }));
      expect(revs().filter((rev) => rev !== 1)).toEqual([2, 3]);
    }
  });

  test("I5: begins as well for those who become members while their join is in flight, so that nothing of it is skipped", async () => {
    for (const how of ["made", "admitted"]) {
      const { ordering, id, anna, frame, store, revs, heardTopics, clock } = anOrdering();
      heardTopics.add(anna);
      if (how === "made") ordering.created(id, [anna]);
      else ordering.forward(frame(1, { membersRev: 1 }));
      ordering.userJoined(anna, []);
      store(1, 2);
      void ordering.compareHeads();
      await clock.runFor(0);
      ordering.forward(frame(3, { membersRev: 1 }));
      expect(revs()).toEqual([1, 2, 3]);
    }
  });

  test("ends when a join in flight comes to nothing", async () => {
    const { ordering, id, anna, headReads, heardTopics, clock } = anOrdering();
    heardTopics.add(anna);
    ordering.created(id, [anna]);
    heardTopics.delete(anna);
    ordering.userUnheard(anna);
    void ordering.compareHeads();
    await clock.runFor(0);
    expect(headReads).toEqual([]);
  });

  test("lasts from a user's first socket to the last one, and begins when they become a member", () => {
    const known = new Forwarded({
      isTopicHeard: () => false,
      isUserHeard: () => false,
      subscribe: unheard.subscribe.bind(null, "conversation"),
      maxUnheard: 1,
    });
    const [anna, first, later] = [newId(), newId(), newId()];
    const push = () => crowd.forEach((other) => void known.from(other, 1));
    const remembers = () => [first, later].filter((id) => known.of(id));
    for (let socket = 0; socket < 2; socket++) known.joined(anna, [{ conversationId: first, headRev: 1 }]);
    known.admitted(known.from(later, 1), [newId(), anna]);
    push();
    expect(remembers()).toEqual([first, later]);
    known.left(anna);
    push();
    expect(remembers()).toEqual([first, later]);
    known.left(anna);
    push();
    expect(remembers()).toEqual([]);
  });

  test("of others only so many are remembered, however many listen", () => {
    const known = new Forwarded({
      isTopicHeard: () => false,
      isUserHeard: () => false,
      subscribe: unheard.subscribe.bind(null, "conversation"),
      maxUnheard: 10,
    });
    const heads = crowd.map((conversationId) => ({ conversationId, headRev: 1 }));
    known.joined(newId(), heads);
    for (let count = 0; count < 500; count++) known.from(newId(), 1);
    expect(known.size).toBeLessThan(crowd.length + 30);
    for (const { conversationId } of heads) expect(known.of(conversationId)).toBeDefined();
  });
});

describe("I5: frames that nobody will publish any more", () => {
  test("are read when heads are compared, a thousand a query, of what somebody listens to", async () => {
    const { ordering, id, anna, store, revs, headReads, clock } = anOrdering();
    const silent = Array.from({ length: 1_500 }, () => ({ conversationId: newId(), headRev: 0 }));
    ordering.userJoined(anna, [{ conversationId: id, headRev: 1 }, ...silent]);
    ordering.joined(newId(), 3);
    store(1, 2, 3);
    void ordering.compareHeads();
    await clock.runFor(0);
    expect({ revs: revs(), headReads }).toEqual({ revs: [2, 3], headReads: [1_000, 501] });
    ordering.userLeft(anna);
    store(4);
    void ordering.compareHeads();
    await clock.runFor(0);
    expect({ revs: revs(), headReads }).toEqual({ revs: [2, 3], headReads: [1_000, 501] });
  });

  test("are read whenever heads are compared, also in the moment in which another comparison ends", async () => {
    for (let moment = 0; moment < 20; moment++) {
      const { ordering, id, anna, store, revs, clock } = anOrdering();
      ordering.userJoined(anna, [{ conversationId: newId(), headRev: 0 }]);
      void ordering.compareHeads();
      for (let turn = 0; turn < moment; turn++) await Promise.resolve();
      ordering.userJoined(anna, [{ conversationId: id, headRev: 1 }]);
      store(1, 2);
      await ordering.compareHeads();
      await clock.runFor(0);
      expect([moment, revs()]).toEqual([moment, [2]]);
    }
  });

  test("are read when a join that was answered with them has waited in vain", async () => {
    const { ordering, id, store, revs, clock } = anOrdering();
    ordering.joined(id, 1);
    store(1, 2);
    let isGone = false;
    void ordering.reached(id, 2)?.then(() => {
      isGone = true;
    });
    await clock.runFor(1_999);
    expect([revs(), isGone]).toEqual([[], false]);
    await clock.runFor(1);
    expect([revs(), isGone]).toEqual([[2], true]);
  });

  test("of what nobody listened to are not told to those who join later", async () => {
    const { ordering, id, anna, frame, store, revs, clock } = anOrdering();
    ordering.forward(frame(1));
    store(1, 2, 3);
    void ordering.compareHeads();
    await clock.runFor(0);
    ordering.userJoined(anna, [{ conversationId: id, headRev: 3 }]);
    expect(ordering.reached(id, 3)).toBeNull();
    ordering.forward(frame(4));
    expect(revs()).toEqual([1, 4]);
  });

  test("are told before the join that waited for them goes on", async () => {
    const { ordering, id, store, revs, clock } = anOrdering();
    ordering.joined(id, 1);
    store(1, 2, 3);
    let toldAsItWentOn: number[] = [];
    void ordering.reached(id, 3)?.then(() => {
      toldAsItWentOn = revs();
    });
    await clock.runFor(2_000);
    expect(toldAsItWentOn).toEqual([2, 3]);
  });

  test("I8: of those who were removed in them, nobody hears what came after", async () => {
    const { ordering, id, anna, ben, model, store, told, announced, clock } = anOrdering();
    ordering.userJoined(ben, [{ conversationId: id, headRev: 0 }]);
    store(1);
    const member = { ...membersNamed([ben]).get(ben)!, rev: 2, leftSeq: 1, leftAtUs: 9 };
    model.write(id, [{ type: "member_removed", rev: 2, conversationId: id, actorId: anna, atUs: 9, member }]);
    model.write(id, [aMessageSent({ conversationId: id, senderId: anna, seq: 2, rev: 3 })]);
    void ordering.compareHeads();
    await clock.runFor(0);
    expect(announced.map((members) => [...members.keys()])).toEqual([[anna]]);
    expect(told.map(({ rev, members }) => [rev, [...members.keys()]])).toEqual(
      [1, 2, 3].map((rev) => [rev, [anna]]),
    );
  });

  test("E3: of another history nothing is left: what comes next is taken as it is, and joins wait for nothing", async () => {
    const { ordering, id, anna, frame, store, revs, clock } = anOrdering();
    ordering.userJoined(anna, [{ conversationId: id, headRev: 8 }]);
    ordering.forward(frame(9));
    let isGone = false;
    void ordering.reached(id, 12)?.then(() => {
      isGone = true;
    });
    store(1, 2, 3, 4, 5);
    ordering.forward(frame(11));
    ordering.forgetAll();
    await clock.runFor(0);
    expect([isGone, revs()]).toEqual([true, [9]]);
    ordering.forward(frame(5));
    ordering.forward(frame(6));
    await clock.runFor(3_000);
    expect(revs()).toEqual([9, 5, 6]);
  });
});

/** What a listener knows who applies everything that he is told. */
class Listener {
  readonly messages = new Map<number, Message>();
  readonly members = new Map<string, MemberRecord>();
  metadata = "{}";

  hear({ events }: ChangeFrame): void {
    for (const event of events) {
      if ("member" in event) this.members.set(event.member.userId, event.member);
      else if ("conversation" in event) this.metadata = event.conversation.metadata;
      else if (event.type !== "conversation_deactivated")
        this.#keep("message" in event ? event.message : event);
    }
  }

  #keep(message: Message): void {
    if (message.rev >= (this.messages.get(message.seq)?.rev ?? 0)) this.messages.set(message.seq, message);
  }
}

function essenceOf({ id, seq, rev, content, deletedAtUs }: Message) {
  return { id, seq, rev, content, deletedAtUs };
}

/** A node that hears of a conversation over a bus that loses, doubles and delays, and what has to be true of what it tells. */
class LossyNode {
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #model = new ModelStore({ loadedKeys: 4 });
  readonly #log: RandomLog;
  readonly #frames: WholeFrame[] = [];
  readonly #listener = new Listener();
  readonly #ordering: Ordering;
  readonly #notes = noteTaker();
  readonly #isOwner: boolean;
  #announced: ReadonlyMap<string, Member> = new Map();
  #toldRev = 0;
  #calm = false;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#isOwner = this.#random.chance(0.4);
    const users = Array.from({ length: 6 }, () => newId());
    this.#log = new RandomLog({ model: this.#model, random: this.#random, users });
    this.#ordering = new Ordering({
      reads: {
        changes: ([question]) => this.#read(question!),
        heads: (ids) =>
          this.#readSlowly(() => new Map(loadStates(this.#model, ids).map(({ id, rev }) => [id, rev]))),
        members: (id) => this.#readSlowly(() => loadStates(this.#model, [id])[0] ?? null),
      },
      isTopicHeard: () => true,
      isUserHeard: () => false,
      subscribe: unheard.subscribe.bind(null, "conversation"),
      tell: (frame) => this.#hear(frame),
      membersChanged: (_, members) => {
        this.#announced = members;
      },
      clock: this.#clock,
      observer: this.#notes.observer,
    });
  }

  async act(): Promise<void> {
    this.#ordering.joined(this.#log.id, 0);
    for (let step = 0; step < 80; step++) {
      this.#change();
      if (this.#random.chance(0.05)) void this.#ordering.compareHeads();
      await this.#clock.runFor(this.#random.pick([0, 0, 0, 3, 30, 300]));
    }
    await this.#clock.runFor(5_000);
    this.#calm = true;
    const last = this.#store();
    if (this.#random.chance(0.5)) this.#ordering.forward(this.#sent(last));
    else void this.#ordering.compareHeads();
    await this.#clock.runFor(5_000);
  }

  judgeTheEnd(): void {
    const { messages, members, metadata } = this.#model.logs.get(this.#log.id)!;
    expect(this.#listener.metadata).toBe(metadata);
    expect(this.#notes.bugs).toEqual([]);
    const heard = [...this.#listener.messages.values()].sort((one, other) => one.seq - other.seq);
    expect(heard.map(essenceOf)).toEqual(messages.map(essenceOf));
    for (const [userId, member] of this.#listener.members)
      expect(member).toMatchObject({ rev: members.get(userId)!.rev, leftSeq: members.get(userId)!.leftSeq });
  }

  #store(): WholeFrame {
    const frame = this.#log.next();
    this.#frames.push(frame);
    return frame;
  }

  #change(): void {
    const frame = this.#store();
    if (this.#random.chance(0.3)) return;
    const copies = this.#random.chance(0.2) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const sent = this.#sent(frame);
      if (this.#random.chance(0.6)) this.#ordering.forward(sent);
      else this.#clock.after(this.#random.below(60), () => this.#ordering.forward(sent));
    }
  }

  /** From the owner on this node whole, from another one without members that it did not change. */
  #sent(frame: WholeFrame): ChangeFrame {
    return this.#isOwner || frame.membersRev === frame.rev ? frame : { ...frame, members: null };
  }

  async #readSlowly<T>(read: () => T): Promise<T> {
    await this.#clock.sleep(this.#random.below(20));
    if (!this.#calm && this.#random.chance(0.3)) throw new StoreUnavailable({ cause: null });
    const found = read();
    await this.#clock.sleep(this.#random.below(20));
    return found;
  }

  /** In small pages, so that holes take several. */
  async #read(question: ChangesRequest): Promise<readonly Changes[]> {
    await this.#clock.sleep(this.#random.below(20));
    if (!this.#calm && this.#random.chance(0.3)) throw new StoreUnavailable({ cause: null });
    const changes = changesOf(this.#model, { ...question, limit: 1 + this.#random.below(4) });
    await this.#clock.sleep(this.#random.below(20));
    return [changes];
  }

  #hear(frame: WholeFrame): void {
    expect(frame.rev).toBeGreaterThan(this.#toldRev);
    this.#toldRev = frame.rev;
    this.#listener.hear(frame);
    for (const { rev, events } of this.#frames)
      if (rev <= frame.rev) for (const event of events) this.#expectKnown(event);
    this.#expectAudience(frame);
  }

  /** No hole: whatever was before is told, as it was then, or as it became later; what entered is told before anything later. */
  #expectKnown(event: ChangeFrame["events"][number]): void {
    if (event.type === "conversation_changed" || event.type === "conversation_deactivated") return;
    const { messages, members } = this.#model.logs.get(this.#log.id)!;
    const seq = "message" in event ? event.message.seq : "seq" in event ? event.seq : null;
    const known =
      "member" in event ? this.#listener.members.get(event.member.userId) : this.#listener.messages.get(seq!);
    const now = "member" in event ? members.get(event.member.userId) : messages[seq! - 1];
    const comesLater = event.type !== "message_sent" && now!.rev > event.rev;
    expect(comesLater || (known?.rev ?? 0) >= event.rev).toBe(true);
  }

  /** Nobody who was not a member then; everybody who was and still is; and who was no member any more was announced before. */
  #expectAudience({ rev, members }: WholeFrame): void {
    const then = this.#frames[rev - 1]!.members;
    for (const userId of members.keys()) expect(then.has(userId)).toBe(true);
    for (const [userId, { joinedRev }] of this.#announced)
      if (joinedRev <= rev) expect(then.has(userId) && members.has(userId)).toBe(true);
  }
}

test("I2 I8: whatever the bus loses, doubles or delays and the store refuses, what is told is the log: in order, once, without a hole, and to its members of then", async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const node = new LossyNode(seed);
      await node.act();
      node.judgeTheEnd();
    }),
    { numRuns: 250 },
  );
}, 180_000);
