import type { MarkedConversation, MarkedMessage, MarkMove, MarkMoved } from "../../core/messages/marks.ts";
import { type Log, marksOf, presentIn } from "./log.ts";
import type { ModelStore } from "./model-store.ts";

const maxReportedMessages = 50;

/** Moves marks, and returns for each conversation what they did. */
export function moveMarks(model: ModelStore, marks: readonly MarkMove[], atUs: number): MarkedConversation[] {
  const byConversation = Map.groupBy(marks, (mark) => mark.conversationId);
  return [...byConversation].map(([conversationId, own]) => {
    const log = model.logs.get(conversationId);
    if (!log) return { conversationId, moved: [], members: [], messages: [] };
    const members = presentIn(log).map((member) => ({ ...marksOf(member), joinedSeq: member.joinedSeq }));
    const moved = own.flatMap((mark) => moveMark(log, mark, atUs) ?? []);
    return {
      conversationId,
      moved,
      members: moved.length > 0 ? members : [],
      messages: movedOver(log, moved),
    };
  });
}

/** Null: not a member. A member who is asked first moves no mark until they accept. */
function moveMark(log: Log, { userId, deliveredSeq, readSeq }: MarkMove, atUs: number): MarkMoved | null {
  const before = log.members.get(userId);
  if (!before || before.leftSeq !== null) return null;
  const reach = before.pending === "request" ? 0 : log.messages.length;
  const reached = (from: number, ...wanted: (number | null)[]) =>
    Math.max(from, Math.min(reach, Math.max(...wanted.map((seq) => seq ?? 0))));
  const [deliveredFrom, readFrom] = [before.deliveredSeq, before.readSeq];
  const deliveredTo = reached(deliveredFrom, deliveredSeq, readSeq);
  const readTo = reached(readFrom, readSeq);
  log.members.set(userId, { ...before, deliveredSeq: deliveredTo, readSeq: readTo });
  const receivedFrom = Math.max(deliveredFrom, readTo);
  if (deliveredTo > receivedFrom)
    log.ranges.push({ userId, kind: "delivered", fromSeq: receivedFrom + 1, toSeq: deliveredTo, atUs });
  if (readTo > readFrom)
    log.ranges.push({ userId, kind: "read", fromSeq: readFrom + 1, toSeq: readTo, atUs });
  const wasUnread = readSeq !== null && (log.unreadFrom.get(userId) ?? Number.POSITIVE_INFINITY) <= readTo;
  return { userId, deliveredFrom, deliveredTo, readFrom, readTo, wasUnread };
}

/** Returns the newest messages from the lowest to the highest seq of all that moved. */
function movedOver(log: Log, moved: readonly MarkMoved[]): MarkedMessage[] {
  const ranges = moved
    .flatMap((move) => [
      { from: move.deliveredFrom, to: move.deliveredTo },
      { from: move.readFrom, to: move.readTo },
    ])
    .filter(({ from, to }) => to > from);
  if (ranges.length === 0) return [];
  const lowest = Math.min(...ranges.map(({ from }) => from));
  const highest = Math.max(...ranges.map(({ to }) => to));
  return log.messages
    .slice(lowest, highest)
    .slice(-maxReportedMessages)
    .reverse()
    .map(({ id, seq, senderId }) => ({ id, seq, senderId }));
}
