import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import type { MessageActs } from "./message-acts.ts";
import { listPlace, type Place } from "./place.ts";
import { addressOf, Places } from "./places.ts";
import { Refused } from "./refused.ts";
import { anchorIn } from "./scroll-anchors.ts";
import type { Panel } from "./ui.ts";

/** Of conversations that nobody looks at. */
const messagesKept = 500;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What is shown, to be changed. */
export interface Shown extends Context {
  readonly onMessages: MessageActs;
  /** What is in view is read. */
  looked(): void;
  closeDialog(): void;
}

/** Where one goes: each place has an address, so that a reload, Back, Forward and a link lead there. */
export class Navigation {
  readonly #app: Shown;
  readonly #places: Places;

  constructor(app: Shown, signal: AbortSignal) {
    this.#app = app;
    this.#places = new Places({ onMoved: (place) => this.#arrive(place), signal });
  }

  /** Goes where the address leads that the page was opened with. */
  begin(): void {
    this.#arrive(this.#places.current);
  }

  show(id: string, seq: number | null = null): void {
    const place = { conversationId: id, seq, panel: this.#app.ui.panel };
    this.#places.go(place);
    this.#arrive(place);
  }

  showList(): void {
    this.#places.leaveTo(listPlace);
    this.#arrive(listPlace);
  }

  /** Of what is open. Closing goes back; another panel takes the place of the one before. */
  showPanel(panel: Panel | null): void {
    const { ui } = this.#app;
    const place = { conversationId: ui.openId, seq: null, panel };
    if (panel === null) this.#places.leaveTo(place);
    else if (ui.panel === null) this.#places.go(place);
    else this.#places.replace(place);
    this.#showPanel(panel);
  }

  /** For somebody else, or another tab. */
  linkTo(conversationId: string, seq: number | null): string {
    return addressOf({ conversationId, seq, panel: null });
  }

  /** What is open is not there any more. */
  gone(): void {
    this.#places.replace(listPlace);
    this.#arrive(listPlace);
  }

  /** What is shown and could not be read before. */
  readAgain(): void {
    const { ui, open } = this.#app;
    if (ui.openId !== null && !open?.log.isRead) this.#load(ui.openId, this.#places.current.seq);
  }

  #arrive({ conversationId: id, seq, panel }: Place): void {
    const { ui } = this.#app;
    const isElsewhere = ui.openId !== id;
    if (isElsewhere) this.#leave();
    ui.openId = id;
    ui.menu = null;
    if (isElsewhere) ui.refocus ??= "nearest";
    if (ui.dialog) this.#app.closeDialog();
    this.#showPanel(id === null ? null : panel);
    if (id !== null && (isElsewhere || seq !== null)) this.#load(id, seq);
  }

  #leave(): void {
    const { ui, open } = this.#app;
    open?.log.trim(messagesKept);
    Object.assign(ui, {
      lastOpenId: ui.openId,
      isMissing: false,
      missedBelow: 0,
      isAtEnd: true,
      unreadFromSeq: null,
      currentSeq: null,
      flashedSeq: null,
      scrollTo: null,
    });
  }

  #showPanel(panel: Panel | null): void {
    const { ui, open, sync, toasts, redraw } = this.#app;
    if (panel === "details" && ui.panel !== panel && open) void toasts.attempt(() => sync.readMembers(open));
    if (panel !== ui.panel) ui.refocus ??= "nearest";
    ui.panel = panel;
    redraw();
  }

  #load(id: string, seq: number | null): void {
    const { toasts, sync, ui } = this.#app;
    void toasts.attempt(async () => {
      const conversation = await this.#find(id);
      if (!conversation) return;
      await Promise.all([sync.readNewest(conversation), sync.readMembers(conversation)]);
      if (ui.openId !== id) return;
      ui.unreadFromSeq = firstUnread(conversation, this.#app.account.userId);
      await this.#scroll(conversation, seq);
      this.#app.looked();
    });
  }

  /** To the message that the link names, else to where this tab was in the conversation. */
  async #scroll(conversation: Conversation, seq: number | null): Promise<void> {
    const { account, onMessages, ui } = this.#app;
    if (seq !== null) return onMessages.jump(seq);
    const anchor = conversation.unread > 0 ? null : anchorIn(account.userId, conversation.id);
    if (!anchor || !(await onMessages.reach(anchor.seq))) return;
    ui.scrollTo = anchor;
    ui.isAtEnd = false;
  }

  /** Also one that the list does not have. Null: it does not exist, or not for this user; the server does not say which. */
  async #find(id: string): Promise<Conversation | null> {
    const { conversations, sync, ui } = this.#app;
    const known = conversations.get(id);
    if (known) return known;
    try {
      if (uuid.test(id)) await sync.refresh(id);
    } catch (error) {
      if (!(error instanceof Refused) || error.refusal.reason !== "not_found") throw error;
    }
    const found = conversations.get(id);
    if (ui.openId === id) ui.isMissing = found === null;
    return found;
  }
}

/** Counted back from the newest, as the server counts: others' messages that were not deleted. */
function firstUnread({ log, unread }: Conversation, userId: string): number | null {
  if (unread === 0) return null;
  const others = log.messages.filter(({ sender_id, is_deleted }) => sender_id !== userId && !is_deleted);
  return others.at(-unread)?.seq ?? null;
}
