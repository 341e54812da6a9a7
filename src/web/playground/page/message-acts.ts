import type { Context } from "./context.ts";
import type { Message } from "./wire.ts";

/** How far a jump reads back. */
const mostPagesToJump = 40;
const flashMs = 2_000;

/** What is done with a message that is there. */
export class MessageActs {
  readonly #context: Context;
  #flashTimer = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  remove(message: Message): Promise<boolean> {
    const { rest, toasts } = this.#context;
    this.#closeMenu();
    const query = `conversation_id=${message.conversation_id}&delete_for_everyone=true`;
    return toasts.attempt(() => rest.call("DELETE", `/messages/${message.id}?${query}`));
  }

  /** Adds it, or takes it back. */
  react(message: Message, reaction: string): Promise<boolean> {
    const { rest, toasts, account } = this.#context;
    this.#closeMenu();
    const query = `?conversation_id=${message.conversation_id}`;
    const path = `/messages/${message.id}/reactions`;
    return toasts.attempt(() =>
      hasReacted(message, account.userId, reaction)
        ? rest.call("DELETE", `${path}/${encodeURIComponent(reaction)}${query}`)
        : rest.call("POST", `${path}${query}`, { reaction }),
    );
  }

  copy(message: Message): void {
    this.#closeMenu();
    void navigator.clipboard?.writeText(message.content);
  }

  /** The conversation is left, because what is in view would be read again. */
  async markUnread(message: Message): Promise<void> {
    const { rest, toasts, sync, showList } = this.#context;
    const path = `/messages/${message.id}/unread?conversation_id=${message.conversation_id}`;
    if (!(await toasts.attempt(() => rest.call("POST", path)))) return;
    showList();
    await toasts.attempt(() => sync.refresh(message.conversation_id));
  }

  /** To a message that may not be read yet. */
  async jump(seq: number): Promise<void> {
    const { open, sync, toasts, ui, redraw } = this.#context;
    if (!open) return;
    await toasts.attempt(async () => {
      for (let pages = 0; !open.log.at(seq) && open.log.hasEarlier && pages < mostPagesToJump; pages++) {
        await sync.readEarlier(open);
      }
    });
    ui.flashedSeq = seq;
    ui.scrollToSeq = seq;
    clearTimeout(this.#flashTimer);
    this.#flashTimer = setTimeout(() => {
      ui.flashedSeq = null;
      redraw();
    }, flashMs);
    redraw();
  }

  #closeMenu(): void {
    const { ui, redraw } = this.#context;
    ui.menu = null;
    redraw();
  }
}

export function hasReacted(message: Message, userId: string, reaction: string): boolean {
  return (message.reactions ?? []).some((each) => each.user_id === userId && each.reaction === reaction);
}
