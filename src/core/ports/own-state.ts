import type { AllowReadding } from "../conversations/allow-readding.ts";
import type { MarkAsUnread } from "../messages/marks.ts";

/** Private state of users. Throws `StoreUnavailable`. */
export interface OwnState {
  /** Null: the user does not see such a message. */
  markUnread(command: MarkAsUnread): Promise<{ readonly ownRev: number; readonly seq: number } | null>;
  /** Others may add the user again. False: the user did not leave by themselves, or the time in which nobody may is over. */
  allowReadding(command: AllowReadding, nowUs: number): Promise<boolean>;
  /** No longer marked as unread. Null: it was not. */
  clearUnread(userId: string, conversationId: string): Promise<{ readonly ownRev: number } | null>;
}
