/** What decides whether one user can add another: blocks, acquaintance, and whether the other left by themselves. As of the decision. */
export interface Contact {
  readonly userId: string;
  /** They have blocked the user who adds them. */
  readonly hasBlocked: boolean;
  /** The user who adds them has blocked them. */
  readonly isBlocked: boolean;
  /** They have chosen to be in a conversation in which the user who adds them is too. */
  readonly isKnown: boolean;
  /** They left the conversation by themselves and are not to be added again before; null: they may be added. */
  readonly staysOutUntilUs: number | null;
}

/** Ids are of one length, so no two pairs share a key. */
export function contactKey(adderId: string, userId: string): string {
  return `${adderId} ${userId}`;
}
