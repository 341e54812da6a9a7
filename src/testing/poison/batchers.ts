import type { ActorReads, MessagePlace } from "../../core/ports/actor-reads.ts";
import type { BlockedPair } from "../../core/ports/blocks.ts";
import type { Change } from "../../core/ports/commit.ts";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import type { SyncReads } from "../../core/ports/sync-reads.ts";
import { BlockEnforcer } from "../../engine/conversation/block-enforcer.ts";
import { Lookups } from "../../engine/conversation/lookups.ts";
import { Meetings } from "../../engine/conversation/meetings.ts";
import { LastSeen } from "../../engine/last-seen.ts";
import { Marks } from "../../engine/receipts/marks.ts";
import { Cursors } from "../../engine/sync/cursors.ts";
import { Joins } from "../../engine/sync/joins.ts";
import { SharedDeliveryReads } from "../../engine/sync/shared-delivery-reads.ts";
import { newId } from "../../system.ts";
import { membersNamed, noteTaker } from "../builders/builders.ts";
import { settled, VirtualClock } from "../clock.ts";
import { anEngine } from "../model/engine-on-model.ts";
import { addAll, asking, type Batcher, never, saving } from "./batcher.ts";
import type { PoisonedStore } from "./poisoned-store.ts";

function joinsOver(store: PoisonedStore, clock: VirtualClock) {
  const generation = 1;
  const reads: Pick<SyncReads, "joinFacts" | "changes"> = {
    joinFacts: (conversations, users) =>
      store.statement([conversations, users], () => ({
        conversations: conversations.map(({ conversationId, viewerId }) => ({
          conversationId,
          viewerId,
          membership: { role: "member" as const },
          conversation: null,
          head: null,
          marks: [],
          isExpired: false,
          generation,
          apartIds: [],
        })),
        users: users.map(({ viewerId }) => ({
          generation,
          deviceGeneration: generation,
          standings: [{ conversationId: viewerId, seq: 1, rev: 1, headSeq: 3, headRev: 3 }],
          pending: new Map(),
          apartIds: [],
        })),
      })),
    changes: (questions) => store.statement(questions, () => questions.map(changesOf)),
  };
  const messages: Pick<ActorReads, "findCreatedRevs"> = {
    findCreatedRevs: (places) => store.statement(places, () => places.map(({ seq }) => seq)),
  };
  return new Joins({ reads, messages, cursors: { register: never }, settled: () => null, clock });
}

function changesOf({ conversationId }: { readonly conversationId: string }) {
  return {
    conversationId,
    membership: { role: "member" as const },
    head: null,
    isExpired: false,
    generation: 1,
    messages: [],
    members: [],
    conversation: null,
    marks: [],
    next: { conversationId, seq: 0, rev: 0 },
    hasMore: false,
  };
}

function lookupsOver(store: PoisonedStore, clock: VirtualClock): Lookups {
  const reads: ActorReads = {
    loadConversations: (ids) => store.statement(ids, () => []),
    findKeys: (questions) => store.statement(questions, () => []),
    findTargets: (lookups) => store.statement(lookups, () => lookups.map(() => null)),
    findSeqs: (questions) => store.statement(questions, () => questions.map(() => 1)),
    findCreatedRevs: never,
    areMembers: (questions) => store.statement(questions, () => questions.map(() => true)),
    findContacts: (questions) => store.statement(questions, () => questions.map(() => [])),
    readMetadata: (ids) => store.statement(ids, () => ids.map(() => "{}")),
    findStored: never as (changes: readonly Change[]) => Promise<never>,
    readMessages: (places: readonly MessagePlace[]) => store.statement(places, () => places.map(() => null)),
  };
  return new Lookups({ reads, clock, observer: noteTaker().observer });
}

function deliveryReadsOver(store: PoisonedStore, clock: VirtualClock): SharedDeliveryReads {
  return new SharedDeliveryReads({
    reads: {
      changes: (questions) => store.statement(questions, () => questions.map(changesOf)),
      heads: never,
    },
    actorReads: { loadConversations: (ids) => store.statement(ids, () => []) },
    clock,
  });
}

const aDifference = { sinceRev: 0, sinceSeq: 0, generation: 1, limit: 10, weight: 1_024 };

function cursorsOver(store: PoisonedStore, clock: VirtualClock, saved: Set<string>): Cursors {
  const cursors: DeviceCursors = {
    register: never,
    save: (moves) => {
      const deviceIds = moves.map(({ deviceId }) => deviceId);
      return store.statement(moves, () => addAll(saved, deviceIds));
    },
  };
  return new Cursors({ store: cursors, clock, observer: noteTaker().observer });
}

function lastSeenOver(store: PoisonedStore, clock: VirtualClock, saved: Set<string>): LastSeen {
  return new LastSeen({
    store: { save: (users) => store.statement(users, () => addAll(saved, users.keys())) },
    clock,
    observer: noteTaker().observer,
  });
}

const blocks: Batcher = {
  name: "blocks that were applied",
  statements: ["blocks-applied"],
  open(store) {
    const clock = new VirtualClock();
    const pairs: BlockedPair[] = [];
    const confirmed = new Set<string>();
    let wake = () => {};
    const enforcer = new BlockEnforcer({
      blocks: {
        subscribe: (listener) => {
          wake = listener;
        },
        pending: async (after) => (after ? [] : pairs),
        applied: (some) =>
          store.statement(some, () =>
            addAll(
              confirmed,
              some.map(({ lowId }) => lowId),
            ),
          ),
      },
      commands: { submit: never },
      meetings: new Meetings(),
      pubsub: { publish() {} },
      ownership: { isHeld: () => true, onChange() {} },
      clock,
      observer: noteTaker().observer,
      newId,
    });
    enforcer.start();
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    return {
      clock,
      async ask(lowId) {
        pairs.push({
          lowId,
          highId: newId(),
          version: "1",
          isApart: true,
          conversation: null,
          unreadable: null,
        });
        await over;
        return confirmed.has(lowId);
      },
      async flush() {
        wake();
        for (let turns = 0; turns < 100; turns++) await settled();
        end();
      },
    };
  },
};

function marks(
  name: string,
  statement: string,
  ask: (marks: Marks, id: string, answer: (refusal: object | null) => void) => Promise<void>,
): Batcher {
  const asked = (over: Marks, id: string) =>
    new Promise<object | null>((resolve) => void ask(over, id, (refusal) => resolve(refusal ? null : {})));
  return asking(name, statement, marksOver, asked);
}

function marksOver(store: PoisonedStore, clock: VirtualClock): Marks {
  return new Marks({
    commands: { mark: (_, answer) => answer?.(null) },
    reads: {
      findSeqs: (questions) => store.statement(questions, () => questions.map(() => 1)),
      areMembers: (questions) => store.statement(questions, () => questions.map(() => true)),
    },
    clock,
    observer: noteTaker().observer,
  });
}

/** The lane: its outcomes are values, so the poison is refused as PostgreSQL refuses data. */
function lane(name: string, isMarks: boolean): Batcher {
  return {
    name,
    statements: ["append"],
    open(store) {
      const error = new Error("22021: invalid byte sequence");
      const { engine, clock, model, submit } = anEngine({
        outcomeOf: (batch) =>
          store.isIn(batch.changes.map(({ events }) => events)) || store.isIn(batch.marks)
            ? { type: "refused", cause: "data", error }
            : null,
      });
      return {
        clock,
        async ask(id) {
          const [conversationId, senderId] = [newId(), newId()];
          model.create(conversationId, membersNamed([senderId, id]));
          if (isMarks) {
            const mark = { type: "mark", conversationId, userId: id, kind: "read", seq: 1 } as const;
            return new Promise((resolve) => engine.marks.note(mark, (refusal) => resolve(refusal === null)));
          }
          const { outcomes } = submit({ conversationId, senderId, content: id });
          await clock.runUntil(() => outcomes.length > 0, 60_000);
          return outcomes[0]!.type === "done";
        },
      };
    },
  };
}

/**
 * Every place where requests of several clients share a statement. `acceptance/poisoned-batches.test.ts` holds each to one contract: a poisoned
 * member fails alone. A new `BatchLoader`, a new use of `storeRows` and a new statement over arrays must have a row here.
 */
export const batchers: readonly Batcher[] = [
  asking("joins of conversations", "join-facts", joinsOver, (over, conversationId) =>
    over.conversation({ viewerId: newId(), conversationId, since: null }),
  ),
  asking("joins of users", "join-facts", joinsOver, (over, viewerId) =>
    over.userFacts({ viewerId, deviceId: null }),
  ),
  asking("differences", "changes", joinsOver, (over, conversationId) =>
    over.changes({ ...aDifference, conversationId, viewerId: newId() }),
  ),
  asking("revisions of the messages that devices name", "find-created-revs", joinsOver, (over, viewerId) =>
    over.user({ viewerId, deviceId: "phone" }, { cursors: new Map([[viewerId, 2]]), generation: 1 }),
  ),
  asking("conversations that actors are loaded with", "load-conversations", lookupsOver, (over, id) =>
    over.state(id),
  ),
  asking("keys of sends", "find-keys", lookupsOver, (over, id) =>
    over.keys({ conversationId: newId(), senderId: id, deviceTag: 1, clientRandom: 1 }),
  ),
  asking("messages that commands name", "find-targets", lookupsOver, (over, id) =>
    over.target({ conversationId: newId(), messageId: id, viewerId: null }),
  ),
  asking("users who are added", "find-contacts", lookupsOver, (over, id) =>
    over.contacts({ conversationId: newId(), adderId: id, userIds: [newId()], asksFirst: false }),
  ),
  asking("metadata that commands change", "read-metadata", lookupsOver, (over, id) => over.metadata(id)),
  asking(
    "messages that repeated sends are answered with",
    "read-messages",
    lookupsOver,
    (over, conversationId) => over.message({ conversationId, seq: 1 }),
  ),
  asking(
    "memberships of those who seem to be strangers",
    "are-members",
    lookupsOver,
    (over, conversationId) => over.membership({ conversationId, userId: newId() }),
  ),
  marks("places of the messages that marks name", "find-seqs", (over, messageId, answer) =>
    over.noteMessage({ conversationId: newId(), userId: newId(), kind: "read", messageId }, answer),
  ),
  marks("memberships of those who mark by a number", "are-members", (over, conversationId, answer) =>
    over.noteIfMember({ type: "mark", conversationId, userId: newId(), kind: "read", seq: 1 }, answer),
  ),
  asking("events that were missed", "changes", deliveryReadsOver, (reads, conversationId) =>
    reads.changes([
      { conversationId, viewerId: null, sinceRev: 0, sinceSeq: null, generation: null, limit: 10 },
    ]),
  ),
  asking("members of whom events were missed", "load-conversations", deliveryReadsOver, (reads, id) =>
    reads.members(id).then(() => ({})),
  ),
  saving("cursors of devices on their way to the store", "save-cursors", cursorsOver, (over, deviceId) =>
    over.confirmed({ userId: newId(), deviceId, conversationId: newId(), seq: 1, rev: 1 }),
  ),
  saving("when users were last online", "save-last-seen", lastSeenOver, (over, userId, clock) =>
    over.seen(userId, clock.nowUs()),
  ),
  blocks,
  lane("commands in the lane", false),
  lane("marks in the lane", true),
];

/** Statements over arrays that no client's request shares with another's, and why. */
export const notShared: Readonly<Record<string, string>> = {
  heads: "ids of topics that were joined",
  "find-stored": "after a lost connection; `GroupCommit` halves it by conversation",
  "create-group": "the members of one group",
};
