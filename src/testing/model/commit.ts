import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { MarkMove } from "../../core/messages/marks.ts";
import type { AppendOutcome, Batch, Change, CommitPort } from "../../core/ports/commit.ts";
import { shardOf } from "../../core/ports/ownership.ts";
import { keyOf, type Log, presentIn, storeEvents } from "./log.ts";
import { moveMarks } from "./marks.ts";
import { type ModelStore, poison } from "./model-store.ts";

/** Does what the statement of store/append does. */
export class ModelCommit implements CommitPort {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome> {
    return appendTo(this.#model, batch, epochsOf(batch, epochOf));
  }
}

/** Returns the epochs that a batch names, by shard. */
export function epochsOf(batch: Batch, epochOf: (shard: number) => number): ReadonlyMap<number, number> {
  const shards = conversationsOf(batch).map(shardOf);
  return new Map(shards.map((shard) => [shard, epochOf(shard)]));
}

export function conversationsOf({ changes, marks }: Batch): string[] {
  const ids = [...changes, ...marks].map(({ conversationId }) => conversationId);
  return [...new Set(ids)];
}

/** Stores a batch at the epochs that it named when it was sent. */
export function appendTo(
  model: ModelStore,
  { changes, marks, atUs }: Batch,
  epochs: ReadonlyMap<number, number>,
): AppendOutcome {
  const stale = [...epochs].filter(([shard, epoch]) => model.epochs[shard] !== epoch);
  if (stale.length > 0) return { type: "fenced", shards: stale.map(([shard]) => shard) };
  expectOnce(model, changes, marks);
  const moved = new Set<string>();
  const moving: Change[] = [];
  for (const [id, own] of Map.groupBy(changes, (change) => change.conversationId)) {
    expectContiguous(model, own);
    if (model.logs.get(id)?.rev === own[0]!.rev - 1) moving.push(...own);
    else moved.add(id);
  }
  const refusal = refusalOf(model, moving);
  if (refusal) return refusal;
  for (const change of moving) {
    const log = model.logs.get(change.conversationId)!;
    storeEvents(log, change.rev, change.events);
    expectMembers(model, log, change);
  }
  return { type: "stored", moved, marked: moveMarks(model, marks, atUs) };
}

/** As a unique index and a column's type would, for the whole statement. */
function refusalOf(model: ModelStore, changes: readonly Change[]): AppendOutcome | null {
  const events = changes.flatMap((change) => change.events);
  if (events.some((event) => contentOf(event) === poison))
    return { type: "refused", cause: "data", error: new Error("invalid data") };
  const taken = new Set<string>();
  for (const event of events) {
    if (event.type !== "message_sent" || event.clientRandom === null) continue;
    const key = keyOf(event.senderId, { deviceTag: event.deviceTag, clientRandom: event.clientRandom });
    const holder = model.logs.get(event.conversationId)!.keys.get(key)?.seq;
    const isFree = holder === undefined || holder === event.releasesKeyOf;
    if (!isFree || taken.has(`${event.conversationId} ${key}`))
      return { type: "refused", cause: "duplicate_key", error: new Error("duplicate key") };
    taken.add(`${event.conversationId} ${key}`);
  }
  return null;
}

function contentOf(event: Event): string | null {
  if (event.type === "message_sent") return event.content;
  return "message" in event ? event.message.content : null;
}

function expectContiguous({ misuses }: ModelStore, changes: readonly Change[]): void {
  changes.forEach((change, index) => {
    const isNext = change.rev === changes[0]!.rev + index;
    if (!isNext || change.events.some((event) => event.rev !== change.rev))
      misuses.push(`${change.conversationId} at ${change.rev}`);
  });
}

/** One statement writes no row twice, and does not see what it inserts. */
function expectOnce({ misuses }: ModelStore, changes: readonly Change[], marks: readonly MarkMove[]): void {
  const events = changes.flatMap((change) => change.events);
  const written = new Set(events.flatMap((event) => ("member" in event ? [memberKey(event)] : [])));
  for (const { conversationId, userId } of marks) {
    const key = `${conversationId} ${userId}`;
    if (written.has(key)) misuses.push(`a mark beside another change of the membership ${key}`);
    written.add(key);
  }
  const inserted = new Set(events.flatMap((event) => (event.type === "message_sent" ? [event.id] : [])));
  for (const event of events)
    if ("message" in event && inserted.has(event.message.id))
      misuses.push("a change of a message in the batch that stores it");
}

function memberKey({ conversationId, member }: MemberChanged): string {
  return `${conversationId} ${member.userId}`;
}

/** The members of a change are published with it. */
function expectMembers({ misuses }: ModelStore, log: Log, { rev, members, membersRev }: Change): void {
  const present = presentIn(log);
  const isRight = present.length === members.size && present.every((each) => members.has(each.userId));
  if (!isRight || membersRev !== log.membersRev)
    misuses.push(`${log.id} at ${rev}: members of another revision`);
}
