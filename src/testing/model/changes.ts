import type { MemberRecord } from "../../core/conversations/conversation.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Changes, ChangesRequest, Cursor } from "../../core/ports/sync-reads.ts";
import { headOf, type Log, marksOf, memberOf, type StoredMember, settingsOf } from "./log.ts";
import type { ModelStore } from "./model-store.ts";
import { marksSeenBy, maxPageBytes, seenBy, storedBytes } from "./sight.ts";

/**
 * Returns what store/reads/changes-reads.ts does. A page ends for its messages and for their bytes; it passes over any number of changes and
 * records of members, where PostgreSQL's has a bound.
 */
export function changesOf(model: ModelStore, request: ChangesRequest): Changes {
  const { conversationId, viewerId, sinceRev, sinceSeq } = request;
  const { generation } = model;
  const log = model.logs.get(conversationId);
  const viewer = viewerId === null ? null : (model.presentMember(conversationId, viewerId) ?? null);
  if (!log || (viewerId !== null && !viewer)) {
    const next = { conversationId, seq: sinceSeq ?? 0, rev: sinceRev };
    return { ...nothing, generation, conversationId, membership: null, head: null, next };
  }
  const seen = {
    ...nothing,
    generation,
    conversationId,
    membership: viewer && { role: viewer.role },
    head: headOf(log),
    marks: marksSeenBy(model, log, viewerId).map((member) => marksOf(member)),
  };
  if (isExpired(model, log, viewer, { rev: sinceRev, generation: request.generation }))
    return { ...seen, isExpired: true, next: { conversationId, seq: log.messages.length, rev: log.rev } };
  return { ...seen, ...pageOf(model, log, viewer, request) };
}

/** Whether a cursor cannot be resumed from. The node's own ones can only be beyond the head. */
export function isExpired(
  model: ModelStore,
  log: Log,
  viewer: StoredMember | null,
  { rev, generation }: Pick<Cursor, "rev" | "generation">,
): boolean {
  if (rev > log.rev) return true;
  if (viewer === null || rev === 0) return false;
  if (rev < viewer.joinedRev) return true;
  const isOfAnother = model.generation > 1 && generation !== model.generation;
  return isOfAnother && (rev > log.restoredRev || (generation ?? 1) < model.generation - 1);
}

const nothing = {
  isExpired: false,
  messages: [],
  members: [],
  conversation: null,
  marks: [],
  hasMore: false,
} satisfies Partial<Changes>;

function pageOf(model: ModelStore, log: Log, viewer: StoredMember | null, request: ChangesRequest) {
  const { conversationId, viewerId, sinceRev, limit, maxBytes = maxPageBytes } = request;
  const begin = beginOf(log, viewer, sinceRev);
  const found = changedSince(log, viewer?.joinedSeq ?? 0, begin, sinceRev);
  const places = found.map((message) => placeOf(message, begin));
  const end = Math.min(
    endByCount(places, limit),
    endByBytes(found, places, Math.min(maxBytes, maxPageBytes)),
    log.rev,
  );
  const page = found
    .filter((message) => placeOf(message, begin) <= end)
    .sort((one, other) => one.seq - other.seq);
  return {
    messages: page.map((message) => seenBy(model, log, message, viewerId)),
    members: recordsIn(log, viewer, sinceRev, viewer ? end : log.rev),
    conversation: conversationIn(log, viewerId, sinceRev, end),
    next: {
      conversationId,
      seq: end === log.rev ? log.messages.length : Math.max(begin, page.at(-1)?.seq ?? 0),
      rev: end,
    },
    hasMore: end < log.rev,
  };
}

/** The last message that the cursor, or the membership, is beyond. */
function beginOf({ messages }: Log, viewer: StoredMember | null, sinceRev: number): number {
  const before = messages.filter(({ createdRev }) => createdRev <= sinceRev).length;
  return Math.max(viewer?.joinedSeq ?? 0, before);
}

function changedSince({ messages }: Log, joinedSeq: number, begin: number, sinceRev: number): Message[] {
  return messages
    .filter((message) => message.seq > joinedSeq && placeOf(message, begin) > sinceRev)
    .sort((one, other) => placeOf(one, begin) - placeOf(other, begin));
}

/** A new message is in the difference at its creation, an older one at its last change. */
function placeOf(message: Message, begin: number): number {
  return message.seq > begin ? message.createdRev : message.rev;
}

function recordsIn(
  { members }: Log,
  viewer: StoredMember | null,
  sinceRev: number,
  endRev: number,
): MemberRecord[] {
  return [...members.values()]
    .filter(({ rev, leftSeq }) => {
      if (rev > endRev || (rev <= sinceRev && sinceRev > 0)) return false;
      return leftSeq === null || rev >= (viewer?.joinedRev ?? 0);
    })
    .map((member) => ({
      ...memberOf(member),
      rev: member.rev,
      leftSeq: member.leftSeq,
      leftAtUs: member.leftAtUs,
    }));
}

function conversationIn(log: Log, viewerId: string | null, sinceRev: number, endRev: number) {
  const { settingsRev: rev, updatedAtUs } = log;
  const isOnPage = (rev > sinceRev || sinceRev === 0) && rev <= endRev;
  return viewerId === null || isOnPage ? { ...settingsOf(log), rev, updatedAtUs } : null;
}

/** The last revision that is whole on a page; the first one when not even that fits. */
function endByCount(places: readonly number[], limit: number): number {
  const tooMany = places[limit];
  if (tooMany === undefined) return Number.POSITIVE_INFINITY;
  return places.findLast((place, index) => index < limit && place < tooMany) ?? tooMany;
}

/** The revision that exceeds these bytes, unless it is the last one. */
function endByBytes(found: readonly Message[], places: readonly number[], maxBytes: number): number {
  let bytes = 0;
  for (const [index, message] of found.entries()) {
    bytes += storedBytes(message);
    if (bytes >= maxBytes) return places[index]! < places.at(-1)! ? places[index]! : Number.POSITIVE_INFINITY;
  }
  return Number.POSITIVE_INFINITY;
}
