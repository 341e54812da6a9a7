import type { MemberMarks } from "../../core/conversations/conversation.ts";
import { marksOnly, toMarks } from "./rows.ts";

/** The most members of all remembered conversations: about 3 MB. */
const maxMembers = 20_000;

interface Parsed {
  readonly text: string;
  readonly marks: readonly MemberMarks[];
}

/**
 * Parses the marks of a conversation's members, and remembers the result for as long as the store answers with the same text. When many
 * members of a group come back at once, each of their joins reads the same marks. Bounded by members; the oldest conversations go first.
 */
export class ParsedMarks {
  readonly #parsed = new Map<string, Parsed>();
  #members = 0;

  of(conversationId: string, text: string | null): readonly MemberMarks[] {
    if (text === null) return [];
    const known = this.#parsed.get(conversationId);
    if (known?.text === text) return known.marks;
    const marks = toMarks(text).map(marksOnly);
    this.#remember(conversationId, { text, marks });
    return marks;
  }

  #remember(conversationId: string, parsed: Parsed): void {
    this.#forget(conversationId);
    this.#parsed.set(conversationId, parsed);
    this.#members += parsed.marks.length;
    for (const oldest of this.#parsed.keys()) {
      if (this.#members <= maxMembers) return;
      this.#forget(oldest);
    }
  }

  #forget(conversationId: string): void {
    this.#members -= this.#parsed.get(conversationId)?.marks.length ?? 0;
    this.#parsed.delete(conversationId);
  }
}
