/** What a member made of a message. */
export interface Reaction {
  /** Of the command by which it came. */
  readonly id: string;
  readonly userId: string;
  /** What was given: mostly one emoji. */
  readonly reaction: string;
  /** Strictly increasing within a message. Microseconds. */
  readonly reactedAtUs: number;
}

/** How many of a message are told with it: the others are counted, and listed for whoever asks for them. */
export const shownReactions = 100;

/** All of a message's. Never empty. */
export interface Reactions {
  /** In the order in which they came. Whole for its actor and for whoever asks for them; else only the first ones. */
  readonly list: readonly Reaction[];
  /** How many of each there are, in the order of the first of each. Always of all. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Null: none. */
export function reactionsOf(list: readonly Reaction[]): Reactions | null {
  if (list.length === 0) return null;
  const counts = new Map<string, number>();
  for (const { reaction } of list) counts.set(reaction, (counts.get(reaction) ?? 0) + 1);
  return { list, counts };
}
