import type { Account } from "./account.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { ConversationActs } from "./conversation-acts.ts";
import { Conversations } from "./conversations.ts";
import { FrameTape } from "./frame-tape.ts";
import { Line } from "./line.ts";
import { MessageActs } from "./message-acts.ts";
import { People, type Person } from "./people.ts";
import { Rest } from "./rest.ts";
import { Sync } from "./sync.ts";
import { Toasts } from "./toasts.ts";
import { freshUi, type OpenDialog, type Panel, type Ui } from "./ui.ts";
import type { Availability, Message } from "./wire.ts";
import { Writing } from "./writing.ts";

/** Of conversations that nobody looks at. */
const messagesKept = 500;
const awayAfterMs = 1_000;
/** The server ends a socket whose token is over with this. */
const expiredCode = 4001;

/** Everything together, and where one goes in it. Views call this and what it holds, and nothing below. */
export class App implements Context {
  readonly account: Account;
  readonly people: People;
  readonly conversations = new Conversations();
  readonly tape = new FrameTape();
  readonly ui: Ui = freshUi();
  readonly line: Line;
  readonly rest: Rest;
  readonly sync: Sync;
  readonly toasts: Toasts;
  readonly writing: Writing;
  readonly onMessages: MessageActs;
  readonly onConversations: ConversationActs;
  readonly redraw: () => void;
  #hasStarted = false;
  #awayTimer = 0;

  constructor(options: {
    readonly base: string;
    readonly account: Account;
    readonly known: readonly Person[];
    readonly redraw: () => void;
    /** The server takes this token no more, and there is no other. */
    readonly onExpired: () => void;
  }) {
    const { base, account, redraw, onExpired } = options;
    const renew = async () => {
      const isRenewed = await account.renew();
      if (!isRenewed && !account.isSample) onExpired();
      return isRenewed;
    };
    this.account = account;
    this.redraw = redraw;
    this.people = new People(options.known);
    this.toasts = new Toasts({ redraw });
    this.line = new Line({
      url: `${base}/socket`,
      token: () => account.token,
      tape: this.tape,
      onChange: (state) => this.#lineChanged(state === "open"),
      onClosed: (code) => void (code === expiredCode && renew()),
    });
    this.rest = new Rest({ base, token: () => account.token, renew, isCut: () => this.line.isCut });
    this.sync = new Sync({
      userId: account.userId,
      line: this.line,
      rest: this.rest,
      conversations: this.conversations,
      people: this.people,
      onMessage: (conversation, message) => this.#messageCame(conversation, message),
      onGone: (conversation) => this.#gone(conversation),
      onCaughtUp: (caughtUp) => {
        this.ui.caughtUp = caughtUp;
        redraw();
      },
      onChange: redraw,
    });
    this.writing = new Writing(this);
    this.onMessages = new MessageActs(this);
    this.onConversations = new ConversationActs(this);
  }

  /** Rejects when the list cannot be read: a token that is no good any more. */
  async start(signal: AbortSignal): Promise<void> {
    await this.sync.start();
    this.line.connect();
    document.addEventListener("visibilitychange", () => void this.#shown(), { signal });
    window.addEventListener("focus", () => this.looked(), { signal });
  }

  get open(): Conversation | null {
    return this.ui.openId === null ? null : this.conversations.get(this.ui.openId);
  }

  nameOf(userId: string): string {
    return userId === this.account.userId ? "You" : this.people.nameOf(userId);
  }

  titleOf(conversation: Conversation): string {
    const other = this.otherIn(conversation);
    if (other) return this.people.nameOf(other);
    const others = conversation.othersThan(this.account.userId);
    return conversation.name ?? others.map((id) => this.people.nameOf(id)).join(", ");
  }

  /** The other one of a direct conversation. */
  otherIn(conversation: Conversation): string | null {
    return conversation.otherThan(this.account.userId);
  }

  readonly show = (id: string): void => {
    const conversation = this.conversations.get(id);
    if (!conversation) return;
    const { ui, sync } = this;
    if (ui.openId !== id) this.open?.log.trim(messagesKept);
    Object.assign(ui, { openId: id, menu: null, missedBelow: 0, isAtEnd: true, currentSeq: null });
    this.writing.forgetSubject();
    this.closeDialog();
    void this.toasts.attempt(async () => {
      await Promise.all([sync.readNewest(conversation), sync.readMembers(conversation)]);
      ui.unreadFromSeq = firstUnread(conversation, this.account.userId);
      this.looked();
    });
  };

  readonly showList = (): void => {
    Object.assign(this.ui, { openId: null, menu: null, panel: null });
    this.redraw();
  };

  showPanel(panel: Panel | null): void {
    this.ui.panel = panel;
    const { open } = this;
    if (panel === "details" && open) void this.toasts.attempt(() => this.sync.readMembers(open));
    this.redraw();
  }

  showDialog(dialog: OpenDialog): void {
    this.ui.menu = null;
    this.ui.dialog = dialog;
    this.redraw();
  }

  /** Closed as browsers do it, which gives the focus back. */
  closeDialog(): void {
    document.querySelector<HTMLDialogElement>("dialog[open]")?.close();
    this.ui.dialog = null;
    this.redraw();
  }

  showEnd(): void {
    this.ui.isAtEnd = true;
    this.looked();
    this.redraw();
  }

  /** What is in view of somebody is read. */
  looked(): void {
    const { open, ui } = this;
    if (!open || document.hidden || !ui.isAtEnd || !open.log.isRead) return;
    ui.missedBelow = 0;
    if (open.unread === 0) return;
    open.unread = 0;
    this.sync.topicOf(open).read(open.seq);
    this.redraw();
  }

  setAvailability(status: Availability): void {
    this.ui.availability = status;
    this.sync.setAvailability(status, (refusal) => this.toasts.show(refusal));
    this.redraw();
  }

  cut(): void {
    this.ui.caughtUp = null;
    this.line.cut();
    this.redraw();
  }

  restore(): void {
    this.line.connect();
    this.redraw();
  }

  /** Whether something is shown that says how many seconds are left. */
  get isCountingDown(): boolean {
    const unsent = this.open ? this.sync.unsentIn(this.open) : [];
    return [...this.toasts.shown, ...unsent].some(({ retryAtMs }) => retryAtMs !== null);
  }

  /** What was read on another device of the same user meanwhile is told by nothing but the list. */
  async #shown(): Promise<void> {
    if (document.hidden || this.line.state !== "open") return;
    await this.sync.readList().catch(() => {});
    this.looked();
  }

  #lineChanged(isOpen: boolean): void {
    if (isOpen && this.#hasStarted) this.sync.returning();
    if (isOpen) this.#hasStarted = true;
    this.#noteAway(isOpen);
    this.redraw();
  }

  /** Told only when it lasts, so that a short reconnect does not flicker. */
  #noteAway(isOpen: boolean): void {
    if (isOpen) {
      clearTimeout(this.#awayTimer);
      this.#awayTimer = 0;
      this.ui.isAway = false;
    } else if (this.#awayTimer === 0) {
      this.#awayTimer = setTimeout(() => {
        this.ui.isAway = true;
        this.redraw();
      }, awayAfterMs);
    }
  }

  #messageCame(conversation: Conversation, message: Message): void {
    const isOwn = message.sender_id === this.account.userId;
    const isOpen = conversation === this.open;
    if (isOpen && !this.ui.isAtEnd && !isOwn) this.ui.missedBelow++;
    if (!isOwn) this.ui.announced = { conversationId: conversation.id, seq: message.seq };
    if (isOpen) queueMicrotask(() => this.looked());
  }

  #gone(conversation: Conversation): void {
    if (this.ui.openId === conversation.id) this.showList();
    const title = this.titleOf(conversation);
    const isGroup = conversation.type === "group";
    const message = isGroup
      ? `You are no longer a member of “${title}”.`
      : `The conversation with ${title} is not there any more.`;
    this.toasts.show({ reason: "gone", message, retryAfterMs: null });
  }
}

/** Counted back from the newest, as the server counts: others' messages that were not deleted. */
function firstUnread({ log, unread }: Conversation, userId: string): number | null {
  if (unread === 0) return null;
  const others = log.messages.filter(({ sender_id, is_deleted }) => sender_id !== userId && !is_deleted);
  return others.at(-unread)?.seq ?? null;
}
