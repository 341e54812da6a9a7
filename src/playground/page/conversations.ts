import { Conversation, type Note } from "./conversation.ts";
import { keep, kept } from "./kept.ts";
import type { Summary } from "./wire.ts";

/** All conversations of the user, by id. */
export class Conversations {
  readonly #byId = new Map<string, Conversation>();
  readonly #userId: string;

  constructor(userId: string) {
    this.#userId = userId;
  }

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
    const conversation = held ?? this.#made(summary);
    this.#byId.set(summary.id, conversation);
    return conversation;
  }

  /** With what this tab noted in it before it was loaded again. */
  #made(summary: Summary): Conversation {
    const key = `notes:${this.#userId}:${summary.id}`;
    return new Conversation(summary, {
      notes: kept<readonly Note[]>(sessionStorage, key) ?? [],
      onNotes: (notes) => keep(sessionStorage, key, notes),
    });
  }

  remove(id: string): void {
    this.#byId.delete(id);
  }

  /** What this device has, for the join of the user's topic. */
  get cursors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.all.map(({ id, seq }) => [id, seq]));
  }
}
