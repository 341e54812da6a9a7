import type { Changes, SeenMessage } from "../core/ports/store.ts";

/** Ends a page before the revision that exceeds `maxSize`. Never cuts inside a revision, never to nothing. */
export function cutToSize(
  changes: Changes,
  given: {
    /** The position that the page begins after. */
    readonly since: { readonly seq: number; readonly rev: number };
    readonly maxSize: number;
    readonly sizeOf: (seen: SeenMessage) => number;
  },
): Changes {
  const { since, maxSize, sizeOf } = given;
  const revOf = ({ message }: SeenMessage) =>
    message.createdRev > since.rev ? message.createdRev : message.rev;
  const inOrder = [...changes.messages].sort((one, other) => revOf(one) - revOf(other));
  let size = 0;
  const cut = inOrder.findIndex((seen, index) => {
    size += sizeOf(seen);
    return size > maxSize && index > 0 && revOf(seen) !== revOf(inOrder[index - 1]!);
  });
  if (cut < 0) return changes;
  const kept = inOrder.slice(0, cut);
  const rev = revOf(kept.at(-1)!);
  const seq = kept.filter(({ message }) => message.createdRev > since.rev).at(-1)?.message.seq ?? since.seq;
  return {
    ...changes,
    messages: kept.sort((one, other) => one.message.seq - other.message.seq),
    members: changes.members.filter((member) => member.rev <= rev),
    conversation: changes.conversation && changes.conversation.rev <= rev ? changes.conversation : null,
    next: { conversationId: changes.conversationId, seq, rev },
    hasMore: true,
  };
}
