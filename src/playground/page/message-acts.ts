import type { Context } from "./context.ts";
import type { MessageLog } from "./message-log.ts";
import { noteReaction } from "./recent-reactions.ts";
import { type Refusal, Refused } from "./refused.ts";
import type { Message } from "./wire.ts";

/** How far a jump reads back. */
const mostPagesToJump = 40;
const notReached: Refusal = {
  reason: "no_such_message",
  message: "That message is not there, or further up than this page reads.",
  retryAfterMs: null,
};

/** What is done with a message that is there. */
export class MessageActs {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Asks first: nothing brings it back. */
  askToRemove(message: Message): void {
    this.#context.ask({
      title: "Delete for everyone?",
      text: "Its text is erased at the server and on every device. This cannot be taken back.",
      label: "Delete",
      act: () => this.#remove(message),
    });
  }

  #remove(message: Message): Promise<boolean> {
    const { rest, toasts } = this.#context;
    const query = `conversation_id=${message.conversation_id}&delete_for_everyone=true`;
    return toasts.attempt(() => rest.call("DELETE", `/messages/${message.id}?${query}`));
  }

  /** Adds it, or takes it back. */
  react(message: Message, reaction: string): Promise<boolean> {
    const { rest, toasts, account } = this.#context;
    this.#closeMenu();
    const query = `?conversation_id=${message.conversation_id}`;
    const path = `/messages/${message.id}/reactions`;
    const isThere = hasReacted(message, account.userId, reaction);
    if (!isThere) noteReaction(reaction);
    return toasts.attempt(() =>
      isThere
        ? rest.call("DELETE", `${path}/${encodeURIComponent(reaction)}${query}`)
        : rest.call("POST", `${path}${query}`, { reaction }),
    );
  }

  async copy(message: Message): Promise<void> {
    this.#closeMenu();
    await this.#context.toasts.copy(message.content, "The text is copied.");
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
    const { open, toasts, ui, redraw } = this.#context;
    if (!open) return;
    const isReached = await toasts.attempt(async () => {
      if (!(await this.reach(seq))) throw new Refused(notReached);
    });
    if (!isReached || open.id !== ui.openId) return;
    Object.assign(ui, { flashedSeq: seq, currentSeq: seq, isAtEnd: false, scrollTo: { seq, topPx: null } });
    redraw();
  }

  /** Reads back until the message is held; false: it is not there, or too far up. */
  async reach(seq: number): Promise<boolean> {
    const { open, sync } = this.#context;
    if (!open) return false;
    const { log } = open;
    for (let pages = 0; isBefore(log, seq) && pages < mostPagesToJump; pages++) await sync.readEarlier(open);
    return log.at(seq) !== null;
  }

  async copyLink(message: Message): Promise<void> {
    const { linkTo, toasts } = this.#context;
    this.#closeMenu();
    await toasts.copy(linkTo(message.conversation_id, message.seq), "The link is copied.");
  }

  #closeMenu(): void {
    const { ui, redraw } = this.#context;
    ui.menu = null;
    ui.refocus ??= "nearest";
    redraw();
  }
}

export function hasReacted(message: Message, userId: string, reaction: string): boolean {
  return (message.reactions ?? []).some((each) => each.user_id === userId && each.reaction === reaction);
}

function isBefore(log: MessageLog, seq: number): boolean {
  return log.hasEarlier && (log.firstSeq === null || seq < log.firstSeq);
}
