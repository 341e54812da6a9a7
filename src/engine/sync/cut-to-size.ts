import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";

/** The rows of a difference at one revision. */
interface Part {
  readonly rev: number;
  /** Called only as far as the page goes: it costs as much as encoding. */
  readonly size: () => number;
}

/**
 * Ends a page before the revision that exceeds `maxSize`. Never cuts inside a revision, never to nothing: one revision alone may exceed
 * it. It brings one message, or the records of at most a thousand members, or the conversation itself.
 */
export function cutToSize(
  changes: Changes,
  given: {
    /** The position that the page begins after. */
    readonly since: { readonly seq: number; readonly rev: number };
    readonly maxSize: number;
    readonly sizeOf: (seen: SeenMessage) => number;
    /** The size of a member's record. Default: members are not counted. */
    readonly sizeOfMember?: number;
  },
): Changes {
  const { since, maxSize, sizeOf, sizeOfMember = 0 } = given;
  const revOf = ({ message }: SeenMessage) =>
    message.createdRev > since.rev ? message.createdRev : message.rev;
  const rev = lastThatFits(
    [
      ...changes.messages.map((seen) => ({ rev: revOf(seen), size: () => sizeOf(seen) })),
      ...changes.members.map((member) => ({ rev: member.rev, size: () => sizeOfMember })),
    ],
    { sinceRev: since.rev, maxSize },
  );
  return rev === null ? changes : cutAfter(changes, rev, { since, revOf });
}

/** The last revision of the page, which is beyond `sinceRev`; null: all of them fit. */
function lastThatFits(
  parts: readonly Part[],
  { sinceRev, maxSize }: { readonly sinceRev: number; readonly maxSize: number },
): number | null {
  const inOrder = parts.toSorted((one, other) => one.rev - other.rev);
  const firstRev = inOrder.find(({ rev }) => rev > sinceRev)?.rev ?? Number.POSITIVE_INFINITY;
  let size = 0;
  const tooMuch = inOrder.find((part) => {
    size += part.size();
    return size > maxSize && part.rev > firstRev;
  });
  return tooMuch ? inOrder.findLast(({ rev }) => rev < tooMuch.rev)!.rev : null;
}

function cutAfter(
  changes: Changes,
  rev: number,
  given: {
    readonly since: { readonly seq: number; readonly rev: number };
    readonly revOf: (seen: SeenMessage) => number;
  },
): Changes {
  const { since, revOf } = given;
  const messages = changes.messages.filter((seen) => revOf(seen) <= rev);
  const created = messages.filter(({ message }) => message.createdRev > since.rev);
  return {
    ...changes,
    messages,
    members: changes.members.filter((member) => member.rev <= rev),
    conversation: changes.conversation && changes.conversation.rev <= rev ? changes.conversation : null,
    next: { conversationId: changes.conversationId, seq: created.at(-1)?.message.seq ?? since.seq, rev },
    hasMore: true,
  };
}
