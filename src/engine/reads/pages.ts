import { partialOf } from "../../core/messages/partial-message.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import type { ConversationSummary, HistoryPage } from "../../core/ports/viewer-reads.ts";
import type { ReadHistory } from "../../core/queries.ts";
import { cutToSize } from "../sync/cut-to-size.ts";
import { bytesOfMarks, bytesOfMember, bytesOfMemberId, encodedSize } from "../sync/written-size.ts";

/**
 * The most bytes of one answer, as JSON in UTF-8, for any `limit`. A page ends before it has more, and `has_more` says so; an item that is
 * larger than a page is answered alone. The store counts bytes as they are stored; as JSON they can be six times as many.
 */
export const maxPageBytes = 1 << 20;

export interface ConversationList {
  readonly summaries: readonly ConversationSummary[];
  readonly hasMore: boolean;
}

/** Ends before the revision that does not fit. Each page has all marks. Callers must not use `next.seq`: only `next.rev` is right here. */
export function pageOfChanges(changes: Changes, sinceRev: number): Changes {
  return cutToSize(changes, {
    since: { seq: 0, rev: sinceRev },
    maxSize: maxPageBytes - bytesOfMarks * changes.marks.length - sizeOfSettings(changes.conversation),
    sizeOf: encodedSize,
    sizeOfMember: bytesOfMember,
  });
}

/** Keeps the end at which the cursor is: the newest messages, or with `after` alone the oldest. Never cuts to nothing. */
export function pageOfHistory(page: HistoryPage, { before, after }: ReadHistory): HistoryPage {
  const isForward = after !== null && before === null;
  const inOrder = isForward ? page.messages.toReversed() : page.messages;
  const fitting = countThatFits(inOrder, encodedSize);
  if (fitting === inOrder.length) return page;
  const kept = inOrder.slice(0, fitting);
  return { ...page, messages: isForward ? kept.reverse() : kept, hasMore: true };
}

/**
 * Clients poll the list and ask for no second page, so a large last message must not push out other conversations. Last messages are whole as
 * far as they fit, the smallest first; the others come without what was written (`isPartial`). The page ends early only if the
 * conversations do not fit without their last messages.
 */
export function pageOfList({ summaries, hasMore }: ConversationList): ConversationList {
  const fitting = countThatFits(summaries, sizeWithoutWritten);
  const kept = summaries.slice(0, fitting);
  let left = maxPageBytes;
  for (const summary of kept) left -= sizeWithoutWritten(summary);
  const whole = smallestThatFit(
    kept.flatMap(({ lastMessage }) => lastMessage ?? []),
    left,
  );
  return {
    summaries: kept.map((summary) => withLast(summary, whole)),
    hasMore: hasMore || fitting < summaries.length,
  };
}

function withLast(summary: ConversationSummary, whole: ReadonlySet<SeenMessage>): ConversationSummary {
  const { lastMessage } = summary;
  if (!lastMessage || lastMessage.isPartial || whole.has(lastMessage)) return summary;
  return { ...summary, lastMessage: partialOf(lastMessage) };
}

function smallestThatFit(messages: readonly SeenMessage[], bytes: number): ReadonlySet<SeenMessage> {
  const sized = messages.map((seen) => ({ seen, size: encodedSize(seen) }));
  const fitting = new Set<SeenMessage>();
  let left = bytes;
  for (const { seen, size } of sized.sort((one, other) => one.size - other.size)) {
    left -= size;
    if (left < 0) break;
    fitting.add(seen);
  }
  return fitting;
}

/** Returns how many of the items fit into a page; the first always does. */
function countThatFits<Item>(items: readonly Item[], sizeOf: (item: Item) => number): number {
  let bytes = 0;
  const cut = items.findIndex((item, index) => {
    bytes += sizeOf(item);
    return bytes > maxPageBytes && index > 0;
  });
  return cut < 0 ? items.length : cut;
}

/** The bytes of a conversation in a list, with an empty last message, without its metadata. Includes its name, which has at most 100 characters. */
const bytesOfConversation = 1_536;

function sizeWithoutWritten({ conversation }: ConversationSummary): number {
  const { memberUserIds } = conversation;
  return bytesOfConversation + sizeOfSettings(conversation) + bytesOfMemberId * memberUserIds.length;
}

function sizeOfSettings(settings: { readonly metadata: string } | null): number {
  return settings ? Buffer.byteLength(settings.metadata) : 0;
}
