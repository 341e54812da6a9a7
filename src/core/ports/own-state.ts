import type { AllowReadding } from "../conversations/allow-readding.ts";
import type { MarkAsUnread } from "../private/mark-unread.ts";

/** Private state of users. `ownRev` numbers the changes of one user: 1, 2, 3 …, with gaps. All throw `StoreUnavailable`. */
export interface OwnState {
  /** Marks a conversation as unread from a message on. Null: the user may not see such a message. */
  markUnread(command: MarkAsUnread): Promise<{ readonly ownRev: number; readonly seq: number } | null>;
  /** Lets others add the user again at once. False: the user did not leave by themselves, or the time in which nobody may is over. */
  allowReadding(command: AllowReadding, nowUs: number): Promise<boolean>;
  /** Removes the mark as unread. Null: there was none. */
  clearUnread(userId: string, conversationId: string): Promise<{ readonly ownRev: number } | null>;
}
