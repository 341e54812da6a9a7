import { keep, kept } from "./kept.ts";

/** A message by both its names: its place in the log, which may not be loaded yet, and what a send names. */
export interface Answered {
  readonly seq: number;
  readonly id: string;
}

/** What is about to be said in one conversation. */
export interface Draft {
  readonly text: string;
  readonly replyTo: Answered | null;
}

/** A message that is being changed. The draft waits meanwhile. */
export interface Edit {
  readonly seq: number;
  readonly text: string;
}

const emptyDraft: Draft = { text: "", replyTo: null };

/**
 * Drafts are the user's: they survive a reload, and other tabs of the same user show the same. An edit is this tab's: it survives a reload
 * of it.
 */
export class Drafts {
  readonly #userId: string;
  readonly #drafts = new Map<string, Draft>();

  constructor(options: {
    readonly userId: string;
    /** Another tab wrote. */
    readonly onChange: () => void;
    readonly signal: AbortSignal;
  }) {
    const { userId, onChange, signal } = options;
    this.#userId = userId;
    const changed = ({ key }: StorageEvent) => {
      if (key !== null && !key.startsWith(this.#draftKey(""))) return;
      this.#drafts.clear();
      onChange();
    };
    window.addEventListener("storage", changed, { signal });
  }

  of(conversationId: string): Draft {
    const held = this.#drafts.get(conversationId);
    if (held) return held;
    const draft = { ...emptyDraft, ...kept<Draft>(localStorage, this.#draftKey(conversationId)) };
    this.#drafts.set(conversationId, draft);
    return draft;
  }

  set(conversationId: string, change: Partial<Draft>): void {
    const draft = { ...this.of(conversationId), ...change };
    const isEmpty = draft.text === "" && draft.replyTo === null;
    this.#drafts.set(conversationId, draft);
    keep(localStorage, this.#draftKey(conversationId), isEmpty ? null : draft);
  }

  clear(conversationId: string): void {
    this.set(conversationId, emptyDraft);
  }

  editIn(conversationId: string): Edit | null {
    return kept<Edit>(sessionStorage, this.#editKey(conversationId));
  }

  setEdit(conversationId: string, edit: Edit | null): void {
    keep(sessionStorage, this.#editKey(conversationId), edit);
  }

  #draftKey(conversationId: string): string {
    return `draft:${this.#userId}:${conversationId}`;
  }

  #editKey(conversationId: string): string {
    return `edit:${this.#userId}:${conversationId}`;
  }
}
