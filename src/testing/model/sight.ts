import { type MemberBefore, statusOf } from "../../core/messages/marks.ts";
import type { Message } from "../../core/messages/message.ts";
import { asSeenFrom, quoteOf } from "../../core/messages/quote.ts";
import { type Reactions, shownReactions } from "../../core/messages/reaction.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import { hasRelations, relationsText } from "../../store/reads/message-rows.ts";
import { type Log, presentIn } from "./log.ts";
import type { ModelStore } from "./model-store.ts";

/** How reads show stored messages: as `messageColumns` of store/reads/message-rows.ts. */

interface Sight {
  /** Messages up to this one are not quoted. */
  readonly joinedSeq: number;
  /** The most reactions; the counts are of all. */
  readonly maxReactions: number;
}

/** A message with what it answers as that is now. */
export function shown(log: Log, message: Message, sight: Partial<Sight> = {}): Message {
  const { joinedSeq = 0, maxReactions = shownReactions } = sight;
  const seen = asSeenFrom(quoting(log, message), joinedSeq);
  return { ...seen, reactions: firstOf(seen.reactions, maxReactions) };
}

/** A tombstone quotes nothing. */
function quoting({ messages }: Log, message: Message): Message {
  const { replyTo, deletedAtUs } = message;
  if (!replyTo) return message;
  const quote = deletedAtUs === null ? quoteOf(messages[replyTo.seq - 1]!) : null;
  return { ...message, replyTo: { ...replyTo, quote } };
}

function firstOf(reactions: Reactions | null, most: number): Reactions | null {
  return reactions && { ...reactions, list: reactions.list.slice(0, most) };
}

/** A message as a viewer sees it, or the node itself (null). The marks of users with whom there is a block are hidden. */
export function seenBy(model: ModelStore, log: Log, message: Message, viewerId: string | null): SeenMessage {
  const joinedSeq = viewerId === null ? 0 : log.members.get(viewerId)!.joinedSeq;
  const members = marksSeenBy(model, log, viewerId);
  const status = message.senderId === viewerId ? statusOf(message, members) : "sent";
  return { message: shown(log, message, { joinedSeq }), status };
}

/** The present members but for those with whom the viewer has a block. */
export function marksSeenBy(model: ModelStore, log: Log, viewerId: string | null): MemberBefore[] {
  const apart = new Set(model.apartFrom(viewerId));
  return presentIn(log).filter(({ userId }) => !apart.has(userId));
}

/** The most stored bytes of a page; it ends with the message that exceeds them. */
export const maxPageBytes = 1 << 20;

const bytesOfReaction = 512;
const countedReactions = 100;

export function storedBytes(message: Message): number {
  const { content, metadata, reactions } = message;
  const relations = hasRelations(message) ? Buffer.byteLength(relationsText(message)) : 0;
  const reacted = bytesOfReaction * Math.min(reactions?.list.length ?? 0, countedReactions);
  return Buffer.byteLength(content) + Buffer.byteLength(metadata) + relations + reacted;
}
