import type { Account } from "./account.ts";
import type { Conversation } from "./conversation.ts";
import { Conversations } from "./conversations.ts";
import { FrameTape } from "./frame-tape.ts";
import { type Permission, type PermissionName, withPermission } from "./group-settings.ts";
import { Line } from "./line.ts";
import { People, type Person } from "./people.ts";
import { refusalIn } from "./refused.ts";
import { Rest } from "./rest.ts";
import { Sync } from "./sync.ts";
import { freshUi, type OpenDialog, type Panel, type Ui } from "./ui.ts";
import type { Availability, Message, Role, Summary } from "./wire.ts";

const toastMs = 6_000;
const flashMs = 2_000;
/** Of conversations that nobody looks at. */
const messagesKept = 500;
/** How far a jump reads back. */
const mostPagesToJump = 40;

/** What a visitor can do. Views call this and nothing below it. */
export class App {
  readonly account: Account;
  readonly people: People;
  readonly conversations = new Conversations();
  readonly tape = new FrameTape();
  readonly ui: Ui = freshUi();
  readonly line: Line;
  readonly rest: Rest;
  readonly sync: Sync;
  readonly redraw: () => void;
  /** Whether the newest message is in view. */
  isAtEnd = true;
  #hasStarted = false;
  #toasts = 0;
  #flashTimer = 0;

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
  }

  /** Rejects when the list cannot be read: a token that is no good any more. */
  async start(): Promise<void> {
    await this.sync.start();
    this.line.connect();
    document.addEventListener("visibilitychange", () => void this.#shown());
    window.addEventListener("focus", () => this.looked());
  }

  /** What was read on another device of the same user meanwhile is told by nothing but the list. */
  async #shown(): Promise<void> {
    if (document.hidden || this.line.state !== "open") return;
    await this.sync.readList().catch(() => {});
    this.looked();
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

  show(id: string): void {
    const conversation = this.conversations.get(id);
    if (!conversation) return;
    const { ui } = this;
    if (ui.openId !== id) this.open?.log.trim(messagesKept);
    Object.assign(ui, { openId: id, replyToSeq: null, editingSeq: null, menu: null, missedBelow: 0 });
    this.closeDialog();
    this.isAtEnd = true;
    void this.attempt(async () => {
      await Promise.all([this.sync.readNewest(conversation), this.sync.readMembers(conversation)]);
      ui.unreadFromSeq = firstUnread(conversation, this.account.userId);
      this.looked();
      this.redraw();
    });
    this.redraw();
  }

  showList(): void {
    Object.assign(this.ui, { openId: null, menu: null, panel: null });
    this.redraw();
  }

  showPanel(panel: Panel | null): void {
    this.ui.panel = panel;
    const { open } = this;
    if (panel === "details" && open) void this.attempt(() => this.sync.readMembers(open));
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

  /** What is in view of somebody is read. */
  looked(): void {
    const { open } = this;
    if (!open || document.hidden || !this.isAtEnd || !open.log.isRead) return;
    this.ui.missedBelow = 0;
    if (open.unread === 0) return;
    open.unread = 0;
    this.sync.topicOf(open).read(open.seq);
    this.redraw();
  }

  send(content: string): void {
    const { open, ui } = this;
    if (!open || content.trim() === "") return;
    const editing = ui.editingSeq === null ? null : open.log.at(ui.editingSeq);
    const replyTo = ui.replyToSeq === null ? null : open.log.at(ui.replyToSeq);
    ui.drafts.delete(open.id);
    Object.assign(ui, { editingSeq: null, replyToSeq: null, unreadFromSeq: null });
    this.isAtEnd = true;
    if (editing) void this.edit(editing, content);
    else this.sync.topicOf(open).outbox.write(content, replyTo?.id ?? null);
    this.redraw();
  }

  /** A refusal gives the text back, so that nothing that was written is lost. */
  async edit(message: Message, content: string): Promise<void> {
    if (content === message.content) return;
    const body = { content, conversation_id: message.conversation_id };
    const isDone = await this.attempt(() => this.rest.call("PUT", `/messages/${message.id}`, body));
    if (isDone) return;
    this.beginEdit(message);
    this.ui.drafts.set(message.conversation_id, content);
    this.redraw();
  }

  beginEdit(message: Message): void {
    Object.assign(this.ui, { editingSeq: message.seq, replyToSeq: null, menu: null });
    this.ui.drafts.set(message.conversation_id, message.content);
    this.redraw();
    focusComposer();
  }

  /** The newest of one's own. */
  editLast(): void {
    const own = this.open?.log.messages.findLast(
      ({ sender_id, is_deleted }) => sender_id === this.account.userId && !is_deleted,
    );
    if (own) this.beginEdit(own);
  }

  beginReply(message: Message): void {
    Object.assign(this.ui, { replyToSeq: message.seq, editingSeq: null, menu: null });
    this.redraw();
    focusComposer();
  }

  cancelWriting(): void {
    const { ui, open } = this;
    if (ui.editingSeq !== null && open) ui.drafts.delete(open.id);
    Object.assign(ui, { editingSeq: null, replyToSeq: null });
    this.redraw();
  }

  typed(text: string): void {
    const { open } = this;
    if (!open) return;
    this.ui.drafts.set(open.id, text);
    if (this.ui.editingSeq === null) this.sync.topicOf(open).typing(text !== "");
    this.redraw();
  }

  remove(message: Message): Promise<boolean> {
    this.ui.menu = null;
    const query = `conversation_id=${message.conversation_id}&delete_for_everyone=true`;
    return this.attempt(() => this.rest.call("DELETE", `/messages/${message.id}?${query}`));
  }

  /** Adds it, or takes it back. */
  react(message: Message, reaction: string): Promise<boolean> {
    this.ui.menu = null;
    this.redraw();
    const isThere = hasReacted(message, this.account.userId, reaction);
    const query = `?conversation_id=${message.conversation_id}`;
    const path = `/messages/${message.id}/reactions`;
    return this.attempt(() =>
      isThere
        ? this.rest.call("DELETE", `${path}/${encodeURIComponent(reaction)}${query}`)
        : this.rest.call("POST", `${path}${query}`, { reaction }),
    );
  }

  /** The conversation is left, because what is in view would be read again. */
  async markUnread(message: Message): Promise<void> {
    const path = `/messages/${message.id}/unread?conversation_id=${message.conversation_id}`;
    if (!(await this.attempt(() => this.rest.call("POST", path)))) return;
    this.showList();
    await this.attempt(() => this.sync.refresh(message.conversation_id));
  }

  async createDirect(userId: string): Promise<void> {
    await this.#create({ type: "direct", other_user_id: userId });
  }

  async createGroup(name: string, userIds: readonly string[]): Promise<void> {
    await this.#create({ type: "group", name, user_ids: [this.account.userId, ...userIds] });
  }

  async #create(body: object): Promise<void> {
    await this.attempt(async () => {
      const { data } = await this.rest.call<Summary>("POST", "/conversations", body);
      this.sync.topicOf(this.conversations.put(data));
      this.show(data.id);
    });
  }

  addMembers(conversation: Conversation, userIds: readonly string[]): Promise<boolean> {
    return this.#changeMembers(conversation, "POST", "", { user_ids: userIds });
  }

  removeMember(conversation: Conversation, userId: string): Promise<boolean> {
    return this.#changeMembers(conversation, "DELETE", `/${userId}`);
  }

  setRole(conversation: Conversation, userId: string, role: Role): Promise<boolean> {
    return this.#changeMembers(conversation, "PATCH", `/${userId}/role`, { role });
  }

  #changeMembers(conversation: Conversation, method: string, path: string, body?: object): Promise<boolean> {
    return this.attempt(() =>
      this.rest.call(method, `/conversations/${conversation.id}/members${path}`, body),
    );
  }

  rename(conversation: Conversation, name: string): Promise<boolean> {
    return this.attempt(() => this.rest.call("PUT", `/conversations/${conversation.id}`, { name }));
  }

  setPermission(conversation: Conversation, name: PermissionName, value: Permission): Promise<boolean> {
    const metadata = withPermission(conversation.metadata, name, value);
    return this.attempt(() => this.rest.call("PUT", `/conversations/${conversation.id}`, { metadata }));
  }

  leave(conversation: Conversation): Promise<boolean> {
    return this.attempt(() => this.rest.call("POST", `/conversations/${conversation.id}/leave`));
  }

  setAvailability(status: Availability): void {
    this.ui.availability = status;
    this.sync.setAvailability(status, (refusal) => this.#toast(refusal.reason, refusal.message, null));
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

  /** To a message that may not be read yet. */
  async jump(seq: number): Promise<void> {
    const { open } = this;
    if (!open) return;
    await this.attempt(async () => {
      for (let pages = 0; !open.log.at(seq) && open.log.hasEarlier && pages < mostPagesToJump; pages++) {
        await this.sync.readEarlier(open);
      }
    });
    Object.assign(this.ui, { flashedSeq: seq, scrollToSeq: seq });
    clearTimeout(this.#flashTimer);
    this.#flashTimer = setTimeout(() => {
      this.ui.flashedSeq = null;
      this.redraw();
    }, flashMs);
    this.redraw();
  }

  /** Refusals are shown; whether there was none. */
  async attempt(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      const { reason, message, retryAfterMs } = refusalIn(error);
      this.#toast(reason, message, retryAfterMs === null ? null : Date.now() + retryAfterMs);
      return false;
    } finally {
      this.redraw();
    }
  }

  /** Whether something is shown that says how many seconds are left. */
  get isCountingDown(): boolean {
    const unsent = this.open ? this.sync.unsentIn(this.open) : [];
    return [...this.ui.toasts, ...unsent].some(({ retryAtMs }) => retryAtMs !== null);
  }

  dismiss(number: number): void {
    this.ui.toasts = this.ui.toasts.filter((toast) => toast.number !== number);
    this.redraw();
  }

  #toast(reason: string, text: string, retryAtMs: number | null): void {
    const number = ++this.#toasts;
    const title = titles[reason] ?? "That did not work";
    this.ui.toasts = [...this.ui.toasts, { number, title, text, retryAtMs }].slice(-3);
    const waitMs = retryAtMs === null ? 0 : retryAtMs - Date.now();
    setTimeout(() => this.dismiss(number), Math.max(toastMs, waitMs));
    this.redraw();
  }

  #lineChanged(isOpen: boolean): void {
    if (isOpen && this.#hasStarted) this.sync.returning();
    if (isOpen) this.#hasStarted = true;
    this.redraw();
  }

  #messageCame(conversation: Conversation, message: Message): void {
    const isOwn = message.sender_id === this.account.userId;
    const isOpen = conversation === this.open;
    if (isOpen && !this.isAtEnd && !isOwn) this.ui.missedBelow++;
    if (!isOwn) this.ui.announced = { conversationId: conversation.id, seq: message.seq };
    if (isOpen) queueMicrotask(() => this.looked());
  }

  #gone(conversation: Conversation): void {
    if (this.ui.openId === conversation.id) this.showList();
    const title = this.titleOf(conversation);
    const text =
      conversation.type === "group" ? `You are no longer a member of “${title}”.` : noLonger(title);
    this.#toast("gone", text, null);
  }
}

/** The server ends a socket whose token is over with this. */
const expiredCode = 4001;

const titles: Readonly<Record<string, string>> = {
  rate_limited: "A little slower, please",
  overloaded: "The server is busy",
  unavailable: "The server is not ready",
  forbidden: "You may not do that here",
  invalid_payload: "Something is missing",
  not_found: "It is not there any more",
  conflict: "That does not fit",
  line_cut: "The line is cut",
  unreachable: "No connection",
  gone: "It is over",
};

function noLonger(title: string): string {
  return `The conversation with ${title} is not there any more.`;
}

export function hasReacted(message: Message, userId: string, reaction: string): boolean {
  return (message.reactions ?? []).some((each) => each.user_id === userId && each.reaction === reaction);
}

export function focusComposer(): void {
  setTimeout(() => document.querySelector<HTMLTextAreaElement>("#composer")?.focus());
}

/** Counted back from the newest, as the server counts: others' messages that were not deleted. */
function firstUnread({ log, unread }: Conversation, userId: string): number | null {
  if (unread === 0) return null;
  const others = log.messages.filter(({ sender_id, is_deleted }) => sender_id !== userId && !is_deleted);
  return others.at(-unread)?.seq ?? null;
}
