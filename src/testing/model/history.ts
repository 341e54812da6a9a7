import type { Message } from "../../core/messages/message.ts";
import type { HistoryPage } from "../../core/ports/viewer-reads.ts";
import type { HistoryCursor, ReadHistory } from "../../core/queries.ts";
import type { ModelStore } from "./model-store.ts";
import { maxPageBytes, seenBy, storedBytes } from "./sight.ts";

/** Returns what store/reads/history-reads.ts does. */
export function historyOf(model: ModelStore, query: ReadHistory): HistoryPage {
  const { viewerId, conversationId, before, after, limit } = query;
  const log = model.logs.get(conversationId);
  const viewer = model.presentMember(conversationId, viewerId);
  if (!log || !viewer) return { membership: null, messages: [], hasMore: false, total: 0 };
  const visible = log.messages.filter(({ seq }) => seq > viewer.joinedSeq);
  const found = visible.filter(
    (message) =>
      (!before || distance(visible, message, before) < 0) &&
      (!after || distance(visible, message, after) > 0),
  );
  const isForward = after !== null && before === null;
  if (!isForward) found.reverse();
  const page = fitting(found).slice(0, limit);
  const messages = page.map((message) => seenBy(model, log, message, viewerId));
  return {
    membership: { role: viewer.role },
    messages: isForward ? messages.reverse() : messages,
    hasMore: page.length > 0 && found.length > page.length,
    total: visible.length,
  };
}

/** Negative: the message is before the cursor. NaN, which is neither before nor after: the viewer sees no such message. */
function distance(visible: readonly Message[], { seq, sentAtUs }: Message, cursor: HistoryCursor): number {
  switch (cursor.by) {
    case "seq":
      return seq - cursor.seq;
    case "id":
      return seq - (visible.find(({ id }) => id === cursor.id)?.seq ?? Number.NaN);
    case "time":
      return sentAtUs - cursor.timeUs;
  }
}

/** The messages up to the one that exceeds the bytes of a page. */
function fitting(found: readonly Message[]): readonly Message[] {
  let bytes = 0;
  const last = found.findIndex((message) => {
    bytes += storedBytes(message);
    return bytes >= maxPageBytes;
  });
  return last < 0 ? found : found.slice(0, last + 1);
}
