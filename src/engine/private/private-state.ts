import type { AllowReadding } from "../../core/conversations/allow-readding.ts";
import type { OwnState } from "../../core/ports/own-state.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import type { MarkAsUnread } from "../../core/private/mark-unread.ts";
import type { OwnChange } from "../../core/private/own-change.ts";

/** Stores changes of users' private state, then publishes each to the user's own devices under its `own_rev`. */
export class PrivateState implements OwnState {
  readonly #store: OwnState;
  readonly #pubsub: PubSub;
  readonly #markedUnread: (userId: string, conversationId: string) => void;

  constructor(options: {
    readonly store: OwnState;
    readonly pubsub: PubSub;
    /** Called when a conversation is marked as unread. */
    readonly markedUnread: (userId: string, conversationId: string) => void;
  }) {
    this.#store = options.store;
    this.#pubsub = options.pubsub;
    this.#markedUnread = options.markedUnread;
  }

  async markUnread(command: MarkAsUnread): ReturnType<OwnState["markUnread"]> {
    const marked = await this.#store.markUnread(command);
    if (marked) this.#markedUnread(command.userId, command.conversationId);
    const from = marked && { messageId: command.messageId, seq: marked.seq };
    this.#publish(command, marked, { type: "unread", from });
    return marked;
  }

  async clearUnread(userId: string, conversationId: string): ReturnType<OwnState["clearUnread"]> {
    const cleared = await this.#store.clearUnread(userId, conversationId);
    this.#publish({ userId, conversationId }, cleared, { type: "unread", from: null });
    return cleared;
  }

  /** Has no `own_rev`, so there is nothing to publish. */
  allowReadding(command: AllowReadding, nowUs: number): Promise<boolean> {
    return this.#store.allowReadding(command, nowUs);
  }

  /** `stored` is null where nothing changed. */
  #publish(
    { userId, conversationId }: { readonly userId: string; readonly conversationId: string },
    stored: { readonly ownRev: number } | null,
    change: OwnChange,
  ): void {
    if (stored) this.#pubsub.publish({ type: "own", userId, conversationId, ownRev: stored.ownRev, change });
  }
}
