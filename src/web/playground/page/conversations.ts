import { Conversation } from "./conversation.ts";
import type { Summary } from "./wire.ts";

/** All conversations of the user, by id. */
export class Conversations {
  readonly #byId = new Map<string, Conversation>();

  get(id: string): Conversation | null {
    return this.#byId.get(id) ?? null;
  }

  /** Newest first, as a list shows them. */
  get all(): readonly Conversation[] {
    return [...this.#byId.values()].sort((one, other) => (one.movedAt < other.movedAt ? 1 : -1));
  }

  get unread(): number {
    return this.all.reduce((sum, { unread }) => sum + unread, 0);
  }

  put(summary: Summary): Conversation {
    const held = this.#byId.get(summary.id);
    if (held) held.refresh(summary);
    const conversation = held ?? new Conversation(summary);
    this.#byId.set(summary.id, conversation);
    return conversation;
  }

  remove(id: string): void {
    this.#byId.delete(id);
  }

  /** What this device has, for the join of the user's topic. */
  get cursors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.all.map(({ id, seq }) => [id, seq]));
  }
}
