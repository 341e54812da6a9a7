import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { Changes, DevicePosition, Position } from "../../core/ports/sync-reads.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { cutToSize } from "./cut-to-size.ts";
import { type Joins, lightestRow } from "./joins.ts";
import { encodedSize, encodedSizeOf } from "./written-size.ts";

/** Messages of one page, and its most bytes as JSON: more in one piece could outgrow a socket's send buffer. */
const pageMessages = 100;
const pageBytes = 128 * 1024;

/** The most conversations of the first read: the size of its messages is not known, and each conversation brings one at least. */
const firstConversations = 16;

type PageQuestion = Parameters<Joins["changes"]>[0];

export interface BacklogPage {
  /** In order of conversation and seq, changed older ones before new ones. */
  readonly messages: readonly SeenMessage[];
  /** The positions that are reached once these messages were sent. */
  readonly reached: readonly Position[];
  /** Conversations whose cursor cannot be resumed from. */
  readonly expired: readonly Position[];
}

/**
 * Reads what a device has not confirmed from the log, page by page. `extend` finds what happens meanwhile. Holds a position per
 * conversation of its user until it is let go.
 */
export class Backlog {
  readonly #joins: Pick<Joins, "changes">;
  readonly #viewerId: string;
  readonly #generation: number;
  /** Null once they are in `#at`. */
  #initial: readonly DevicePosition[] | null;
  readonly #at = new Map<string, DevicePosition>();
  #behind: string[] = [];
  /** Rows that were sent as they were after the end of their page: by message, the revision. */
  #ahead = new Map<string, number>();
  /** Bytes of a message, by those of the last read: what is read beyond what fits into a page is read again. Null: not known. */
  #rowSize: number | null = null;

  constructor(options: {
    readonly joins: Pick<Joins, "changes">;
    readonly viewerId: string;
    readonly generation: number;
    readonly standings: readonly DevicePosition[];
  }) {
    this.#joins = options.joins;
    this.#viewerId = options.viewerId;
    this.#generation = options.generation;
    this.#initial = options.standings;
  }

  /** Indexes the standings when they are first needed: most joins of a storm are given up before that. */
  #begin(): void {
    const initial = this.#initial;
    this.#initial = null;
    if (initial) this.extend(initial);
  }

  /** Whether a change of this revision was read: it is in a page, or in one that was before. */
  covers(conversationId: string, rev: number): boolean {
    this.#begin();
    return rev <= (this.#at.get(conversationId)?.rev ?? 0);
  }

  /** The heads as they are now. Positions that were reached stay. */
  extend(standings: readonly DevicePosition[]): void {
    this.#begin();
    for (const standing of standings) {
      const { conversationId, headSeq, headRev } = standing;
      const known = this.#at.get(conversationId);
      this.#at.set(conversationId, known ? { ...known, headSeq, headRev } : standing);
    }
    this.#behind = [...this.#at.values()]
      .filter(({ rev, headRev }) => rev < headRev)
      .map(({ conversationId }) => conversationId)
      .sort();
  }

  /** Null: everything up to the known heads was read. */
  async next(): Promise<BacklogPage | Rejection | null> {
    this.#begin();
    const asked = this.#nextQuestions();
    if (asked.length === 0) return null;
    const first = await this.#read(asked);
    if (isRejection(first)) return first;
    const rest =
      asked.length > first.length ? await this.#read(this.#nextQuestions().slice(first.length)) : [];
    return this.#pageOf([...first, ...(isRejection(rest) ? [] : rest)]);
  }

  /** Reads as many of them as may be read at once. */
  async #read(questions: readonly PageQuestion[]): Promise<readonly Changes[] | Rejection> {
    const some = this.#rowSize === null ? questions.slice(0, firstConversations) : questions;
    const answers = await Promise.all(some.map((question) => this.#joins.changes(question)));
    const refused = answers.find(isRejection);
    if (refused) return refused;
    const changes = answers as readonly Changes[];
    this.#rowSize = rowSizeOf(changes.flatMap(({ messages }) => messages));
    return changes.map((each) => this.#cutToFit(each));
  }

  /** Returns as many conversations as can fill a page, by the distance to their heads. What happens in them meanwhile is not in this page. */
  #nextQuestions(): readonly PageQuestion[] {
    const questions: PageQuestion[] = [];
    const rowSize = this.#rowSize ?? lightestRow;
    const fitting = Math.min(pageMessages, Math.ceil(pageBytes / rowSize));
    let rows = 0;
    for (const conversationId of this.#behind) {
      if (rows >= fitting) break;
      const { seq, rev, headRev } = this.#at.get(conversationId)!;
      const limit = Math.min(fitting - rows, headRev - rev);
      questions.push({
        conversationId,
        viewerId: this.#viewerId,
        generation: this.#generation,
        sinceSeq: seq,
        sinceRev: rev,
        limit,
        maxBytes: pageBytes,
        weight: Math.min(limit * rowSize, pageBytes),
      });
      rows += limit;
    }
    return questions;
  }

  /** Each answer is taken whole: what does not fit into the page any more is asked for again. */
  #pageOf(answers: readonly Changes[]): BacklogPage {
    const messages: SeenMessage[] = [];
    const reached: Position[] = [];
    const expired: Position[] = [];
    let bytes = 0;
    for (const changes of answers) {
      bytes += encodedSizeOf(changes.messages);
      if (bytes > pageBytes && messages.length > 0) break;
      messages.push(...this.#unsent(changes));
      this.#reach(changes);
      (changes.isExpired ? expired : reached).push(changes.next);
    }
    return { messages, reached, expired };
  }

  /** Large messages make short pages. */
  #cutToFit(changes: Changes): Changes {
    const since = this.#at.get(changes.conversationId)!;
    return cutToSize(changes, { since, maxSize: pageBytes, sizeOf: encodedSize });
  }

  /** Without what came already: a row that was sent as it is now, before the page of that change. */
  #unsent({ messages, next }: Changes): readonly SeenMessage[] {
    return messages.filter(({ message: { id, rev } }) => {
      const wasSent = this.#ahead.get(id) === rev;
      if (rev > next.rev) this.#ahead.set(id, rev);
      else this.#ahead.delete(id);
      return !wasSent;
    });
  }

  /** Former members have nothing left to read here. */
  #reach({ conversationId, head, next, hasMore }: Changes): void {
    const headSeq = head?.seq ?? next.seq;
    const headRev = hasMore ? Math.max(head?.rev ?? 0, next.rev + 1) : next.rev;
    this.#at.set(conversationId, { ...next, conversationId, headSeq, headRev });
    if (!hasMore) this.#behind = this.#behind.filter((each) => each !== conversationId);
  }
}

function rowSizeOf(messages: readonly SeenMessage[]): number {
  return Math.max(lightestRow, encodedSizeOf(messages) / Math.max(1, messages.length));
}
