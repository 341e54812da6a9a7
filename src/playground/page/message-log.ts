import type { Message, ReactionPush } from "./wire.ts";

/**
 * The part of a conversation's log that this page holds: by `seq`, without a hole from `from` to the newest. Nothing is kept before the
 * first page was read: what comes until then is read with it.
 */
export class MessageLog {
  /** Whether there is more before what is held. */
  hasEarlier = true;
  readonly #bySeq = new Map<number, Message>();
  #isRead = false;
  #sorted: readonly Message[] | null = null;

  get isRead(): boolean {
    return this.#isRead;
  }

  /** In order. */
  get messages(): readonly Message[] {
    this.#sorted ??= [...this.#bySeq.values()].sort((one, other) => one.seq - other.seq);
    return this.#sorted;
  }

  get firstSeq(): number | null {
    return this.messages[0]?.seq ?? null;
  }

  at(seq: number): Message | null {
    return this.#bySeq.get(seq) ?? null;
  }

  byId(id: string): Message | null {
    return this.messages.find((message) => message.id === id) ?? null;
  }

  /**
   * The same message may come several times and by several ways, always under the same `seq`; the higher `rev` is the later state. What
   * lies before the part that is held is left out: it will be read with its page.
   */
  put(message: Message): void {
    if (!this.#isRead || this.#isEarlier(message)) return;
    this.#keep(message);
  }

  /** The page before what is held, or the newest one where nothing is. */
  addPage(messages: readonly Message[], hasEarlier: boolean): void {
    this.#isRead = true;
    this.hasEarlier = hasEarlier;
    for (const message of messages) this.#keep(message);
  }

  /** A reaction is told alone; its message has the `rev` of it from then on. */
  react(push: ReactionPush, isThere: boolean): void {
    const message = this.#bySeq.get(push.seq);
    if (!message || message.rev > push.rev) return;
    const others = (message.reactions ?? []).filter(
      ({ user_id, reaction }) => user_id !== push.user_id || reaction !== push.reaction,
    );
    const wasThere = others.length < (message.reactions ?? []).length;
    const reactions = isThere ? [...others, { user_id: push.user_id, reaction: push.reaction }] : others;
    const step = Number(isThere) - Number(wasThere);
    this.#set({
      ...message,
      rev: push.rev,
      reactions,
      reaction_summary: counted(message.reaction_summary ?? {}, push.reaction, step),
    });
  }

  /** Nothing is known any more: the next page that is added is the newest. */
  clear(): void {
    this.#bySeq.clear();
    this.#sorted = null;
    this.#isRead = false;
    this.hasEarlier = true;
  }

  /** Keeps the newest `count`; the others are read again when somebody looks for them. */
  trim(count: number): void {
    const dropped = this.messages.slice(0, -count);
    if (dropped.length === 0) return;
    for (const { seq } of dropped) this.#bySeq.delete(seq);
    this.#sorted = null;
    this.hasEarlier = true;
  }

  #isEarlier({ seq }: Message): boolean {
    return this.firstSeq !== null && seq < this.firstSeq;
  }

  #keep(message: Message): void {
    const held = this.#bySeq.get(message.seq);
    if (!held || message.rev >= held.rev) this.#set(message);
  }

  #set(message: Message): void {
    this.#bySeq.set(message.seq, message);
    this.#sorted = null;
  }
}

function counted(
  summary: Readonly<Record<string, number>>,
  reaction: string,
  step: number,
): Readonly<Record<string, number>> {
  const { [reaction]: before = 0, ...others } = summary;
  const count = before + step;
  return count > 0 ? { ...others, [reaction]: count } : others;
}
