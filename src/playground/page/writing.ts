import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { Drafts } from "./drafts.ts";
import type { Message } from "./wire.ts";

/** What somebody is about to say: a draft, an answer, or a change of what they said. */
export class Writing {
  readonly #context: Context;
  readonly #drafts: Drafts;

  constructor(context: Context, signal: AbortSignal) {
    this.#context = context;
    const { account, redraw } = context;
    this.#drafts = new Drafts({ userId: account.userId, onChange: redraw, signal });
  }

  /** What stands in the composer. */
  textIn(conversation: Conversation): string {
    return this.#editedIn(conversation) !== null
      ? this.#drafts.editIn(conversation.id)!.text
      : this.draftIn(conversation);
  }

  /** What was begun and not sent; an edit hides it for a while. */
  draftIn({ id }: Conversation): string {
    return this.#drafts.of(id).text;
  }

  get isEditing(): boolean {
    const { open } = this.#context;
    return open !== null && this.#editedIn(open) !== null;
  }

  /** The message that is answered or changed. */
  get subject(): Message | null {
    const { open } = this.#context;
    if (!open) return null;
    const { replyTo } = this.#drafts.of(open.id);
    return this.#editedIn(open) ?? (replyTo && open.log.at(replyTo.seq));
  }

  typed(text: string): void {
    const { open, sync, redraw } = this.#context;
    if (!open) return;
    const edited = this.#editedIn(open);
    if (edited) this.#drafts.setEdit(open.id, { seq: edited.seq, text });
    else {
      this.#drafts.set(open.id, { text });
      sync.topicOf(open).typing(text !== "");
    }
    redraw();
  }

  send(): void {
    const { open, sync, ui, redraw } = this.#context;
    const content = open ? this.textIn(open) : "";
    if (!open || content.trim() === "") return;
    const { subject, isEditing } = this;
    ui.unreadFromSeq = null;
    ui.isAtEnd = true;
    if (isEditing && subject) {
      this.#drafts.setEdit(open.id, null);
      void this.#edit(subject, content);
    } else {
      const { replyTo } = this.#drafts.of(open.id);
      this.#drafts.clear(open.id);
      sync.topicOf(open).outbox.write(content, replyTo?.id ?? null);
    }
    ui.refocus = "composer";
    redraw();
  }

  /** A refusal gives the text back, so that nothing that was written is lost. */
  async #edit(message: Message, content: string): Promise<void> {
    if (content === message.content) return;
    const { rest, toasts, redraw } = this.#context;
    const body = { content, conversation_id: message.conversation_id };
    if (await toasts.attempt(() => rest.call("PUT", `/messages/${message.id}`, body))) return;
    this.#drafts.setEdit(message.conversation_id, { seq: message.seq, text: content });
    redraw();
  }

  beginEdit({ conversation_id, seq, content }: Message): void {
    this.#drafts.setEdit(conversation_id, { seq, text: content });
    this.#begun();
  }

  /** The newest of one's own. */
  editLast(): void {
    const { open, account } = this.#context;
    const own = open?.log.messages.findLast(
      ({ sender_id, is_deleted }) => sender_id === account.userId && !is_deleted,
    );
    if (own) this.beginEdit(own);
  }

  beginReply({ conversation_id, seq, id }: Message): void {
    this.#drafts.setEdit(conversation_id, null);
    this.#drafts.set(conversation_id, { replyTo: { seq, id } });
    this.#begun();
  }

  #begun(): void {
    const { ui, redraw } = this.#context;
    ui.menu = null;
    ui.refocus = "composer";
    redraw();
  }

  /** An edit is given up, and the draft from before it is back; an answer becomes a message. */
  cancel(): void {
    const { open, ui, redraw } = this.#context;
    if (!open) return;
    if (this.isEditing) this.#drafts.setEdit(open.id, null);
    else this.#drafts.set(open.id, { replyTo: null });
    ui.refocus = "composer";
    redraw();
  }

  /** Null also when it was deleted, or lies before what is held. */
  #editedIn({ id, log }: Conversation): Message | null {
    const edit = this.#drafts.editIn(id);
    const message = edit && log.at(edit.seq);
    return message && !message.is_deleted ? message : null;
  }
}
