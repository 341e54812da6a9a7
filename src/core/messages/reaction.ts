/** The reaction of one member to a message. */
export interface Reaction {
  /** Of the command by which it came. */
  readonly id: string;
  readonly userId: string;
  /** Mostly one emoji. */
  readonly reaction: string;
  /** Strictly increasing within a message. Microseconds. */
  readonly reactedAtUs: number;
}

/** The most reactions that are sent with a message. The others are counted, and listed on request. */
export const shownReactions = 100;

/** All reactions to a message. Never empty. */
export interface Reactions {
  /** In the order in which they came. Complete for the actor and for a request of the reactions; else only the first `shownReactions`. */
  readonly list: readonly Reaction[];
  /** The number of each reaction, in the order of the first of each. Always counts all. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Null: none. */
export function reactionsOf(list: readonly Reaction[]): Reactions | null {
  if (list.length === 0) return null;
  const counts = new Map<string, number>();
  for (const { reaction } of list) counts.set(reaction, (counts.get(reaction) ?? 0) + 1);
  return { list, counts };
}
