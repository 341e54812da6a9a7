import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import type { Message } from "./wire.ts";

/** What one is about to say: drafts, and the message that is answered or changed. */
export class Writing {
  readonly #context: Context;
  readonly #drafts = new Map<string, string>();
  #replyToSeq: number | null = null;
  #editingSeq: number | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  draftIn({ id }: Conversation): string {
    return this.#drafts.get(id) ?? "";
  }

  get isEditing(): boolean {
    return this.#editingSeq !== null;
  }

  /** The message that is answered or changed. */
  get subject(): Message | null {
    const seq = this.#editingSeq ?? this.#replyToSeq;
    return seq === null ? null : (this.#context.open?.log.at(seq) ?? null);
  }

  typed(text: string): void {
    const { open, sync, redraw } = this.#context;
    if (!open) return;
    this.#drafts.set(open.id, text);
    if (!this.isEditing) sync.topicOf(open).typing(text !== "");
    redraw();
  }

  send(): void {
    const { open, sync, ui, redraw } = this.#context;
    const content = open ? this.draftIn(open) : "";
    if (!open || content.trim() === "") return;
    const { subject, isEditing } = this;
    this.#drafts.delete(open.id);
    this.forgetSubject();
    ui.unreadFromSeq = null;
    ui.isAtEnd = true;
    if (isEditing && subject) void this.#edit(subject, content);
    else sync.topicOf(open).outbox.write(content, subject?.id ?? null);
    redraw();
  }

  /** A refusal gives the text back, so that nothing that was written is lost. */
  async #edit(message: Message, content: string): Promise<void> {
    if (content === message.content) return;
    const { rest, toasts, redraw } = this.#context;
    const body = { content, conversation_id: message.conversation_id };
    if (await toasts.attempt(() => rest.call("PUT", `/messages/${message.id}`, body))) return;
    this.beginEdit(message);
    this.#drafts.set(message.conversation_id, content);
    redraw();
  }

  beginEdit(message: Message): void {
    this.#drafts.set(message.conversation_id, message.content);
    this.#begin({ editingSeq: message.seq, replyToSeq: null });
  }

  /** The newest of one's own. */
  editLast(): void {
    const { open, account } = this.#context;
    const own = open?.log.messages.findLast(
      ({ sender_id, is_deleted }) => sender_id === account.userId && !is_deleted,
    );
    if (own) this.beginEdit(own);
  }

  beginReply(message: Message): void {
    this.#begin({ editingSeq: null, replyToSeq: message.seq });
  }

  #begin(subject: { readonly editingSeq: number | null; readonly replyToSeq: number | null }): void {
    const { ui, redraw } = this.#context;
    this.#editingSeq = subject.editingSeq;
    this.#replyToSeq = subject.replyToSeq;
    ui.menu = null;
    redraw();
    setTimeout(() => document.querySelector<HTMLElement>("#composer")?.focus());
  }

  cancel(): void {
    const { open, redraw } = this.#context;
    if (this.isEditing && open) this.#drafts.delete(open.id);
    this.forgetSubject();
    redraw();
  }

  /** The draft stays. */
  forgetSubject(): void {
    this.#editingSeq = null;
    this.#replyToSeq = null;
  }
}
