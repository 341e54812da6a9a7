import type { MemberRecord } from "../../core/conversations/conversation.ts";
import { statusOf } from "../../core/messages/marks.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { type ModelStore, settingsOf } from "./commit-port.ts";

const generation = 1;

/** What `store/reads/changes-reads.ts` answers, from the model. */
export function changesOf(model: ModelStore, question: ChangesRequest): Changes {
  const { conversationId, viewerId, sinceRev, sinceSeq, limit } = question;
  const log = model.logs.get(conversationId);
  const present = model.present(conversationId);
  const viewer = present.find((member) => member.userId === viewerId);
  if (!log || (viewerId !== null && !viewer)) {
    return {
      ...nothing,
      conversationId,
      membership: null,
      head: null,
      next: { conversationId, seq: sinceSeq ?? 0, rev: sinceRev },
    };
  }
  const { rev, membersRev, messages } = log;
  const seen = {
    conversationId,
    membership: viewer ? { role: viewer.role } : null,
    head: { seq: messages.length, rev, membersRev, lastMessageAtUs: messages.at(-1)?.sentAtUs ?? null },
    marks: present.map(({ userId, deliveredSeq, readSeq }) => ({ userId, deliveredSeq, readSeq })),
  };
  const joinedRev = viewer?.joinedRev ?? 0;
  if (sinceRev > rev || (viewer && sinceRev > 0 && sinceRev < joinedRev))
    return {
      ...nothing,
      ...seen,
      isExpired: true,
      next: { conversationId, seq: messages.length, rev },
    };
  const begin = Math.max(viewer?.joinedSeq ?? 0, messages.filter(isUpTo(sinceRev)).length);
  const found = messages
    .filter((message) => message.seq > (viewer?.joinedSeq ?? 0) && placeOf(message, begin) > sinceRev)
    .sort((one, other) => placeOf(one, begin) - placeOf(other, begin));
  const places = found.map((message) => placeOf(message, begin));
  const cut = earlier(cutOf(places, limit), cutByBytes(found, places, question.maxBytes ?? 1 << 20));
  const page = found
    .filter((message) => placeOf(message, begin) <= (cut ?? rev))
    .sort((one, other) => one.seq - other.seq);
  return {
    ...nothing,
    ...seen,
    messages: page.map((message) => ({
      message,
      status: message.senderId === viewerId ? statusOf(message, present) : "sent",
    })),
    members: [...log.members.values()].filter((member) =>
      isIn(member, sinceRev, viewer ? (cut ?? rev) : rev, joinedRev),
    ),
    conversation:
      viewerId === null || ((log.settingsRev > sinceRev || sinceRev === 0) && log.settingsRev <= (cut ?? rev))
        ? { ...settingsOf(conversationId, log), rev: log.settingsRev, updatedAtUs: log.updatedAtUs }
        : null,
    next: {
      conversationId,
      seq: cut === null ? messages.length : Math.max(begin, page.at(-1)?.seq ?? 0),
      rev: cut ?? rev,
    },
    hasMore: cut !== null && cut < rev,
  };
}

const nothing = {
  generation,
  isExpired: false,
  messages: [],
  members: [],
  conversation: null,
  marks: [],
  hasMore: false,
} satisfies Partial<Changes>;

/** A new message is in the difference at its creation, an older one at its last change. */
function placeOf(message: Message, beginSeq: number): number {
  return message.seq > beginSeq ? message.createdRev : message.rev;
}

function isUpTo(rev: number): (message: Message) => boolean {
  return ({ createdRev }) => createdRev <= rev;
}

function isIn({ rev, leftSeq }: MemberRecord, sinceRev: number, cut: number, joinedRev: number): boolean {
  if (rev > cut || (rev <= sinceRev && sinceRev > 0)) return false;
  return leftSeq === null || rev >= joinedRev;
}

/** The last revision that is whole on a page; the first one when not even that fits. Null: everything fits. */
function cutOf(places: readonly number[], limit: number): number | null {
  const tooMany = places[limit];
  if (tooMany === undefined) return null;
  return places.findLast((place, index) => index < limit && place < tooMany) ?? tooMany;
}

/** The revision that exceeds these bytes, unless it is the last one. */
function cutByBytes(found: readonly Message[], places: readonly number[], maxBytes: number): number | null {
  let bytes = 0;
  for (const [index, { content, metadata }] of found.entries()) {
    bytes += Buffer.byteLength(content) + Buffer.byteLength(metadata);
    if (bytes >= maxBytes) return places[index]! < places.at(-1)! ? places[index]! : null;
  }
  return null;
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
