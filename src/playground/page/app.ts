import type { Account } from "./account.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { ConversationActs } from "./conversation-acts.ts";
import { Conversations } from "./conversations.ts";
import { FrameTape } from "./frame-tape.ts";
import { keep, kept } from "./kept.ts";
import { Line } from "./line.ts";
import { MessageActs } from "./message-acts.ts";
import { Navigation } from "./navigation.ts";
import { People, type Person } from "./people.ts";
import { Rest } from "./rest.ts";
import { Sync } from "./sync.ts";
import { Toasts } from "./toasts.ts";
import { freshUi, type OpenDialog, type Panel, type Question, type Ui } from "./ui.ts";
import type { Availability, Message } from "./wire.ts";
import { Writing } from "./writing.ts";

const awayAfterMs = 1_000;
/** The longest that presence lags behind what was said. */
const saidWithinMs = 2_000;
/** The server ends a socket whose token is over with this. */
const expiredCode = 4001;

/** Everything together, and where one goes in it. Views call this and what it holds, and nothing below. */
export class App implements Context {
  readonly account: Account;
  readonly people: People;
  readonly conversations: Conversations;
  readonly tape = new FrameTape();
  readonly ui: Ui = freshUi();
  readonly line: Line;
  readonly rest: Rest;
  readonly sync: Sync;
  readonly toasts: Toasts;
  readonly writing: Writing;
  readonly navigation: Navigation;
  readonly onMessages: MessageActs;
  readonly onConversations: ConversationActs;
  readonly redraw: () => void;
  #hasStarted = false;
  #awayTimer = 0;
  #saidAtMs = 0;

  constructor(options: {
    readonly base: string;
    readonly account: Account;
    readonly known: readonly Person[];
    readonly redraw: () => void;
    /** Ends all that listens. */
    readonly signal: AbortSignal;
    /** The server takes this token no more, and there is no other. */
    readonly onExpired: () => void;
  }) {
    const { base, account, redraw, signal, onExpired } = options;
    const renew = async () => {
      const isRenewed = await account.renew();
      if (!isRenewed && !account.isSample) onExpired();
      return isRenewed;
    };
    this.account = account;
    this.redraw = redraw;
    this.people = new People(options.known);
    this.conversations = new Conversations(account.userId);
    this.toasts = new Toasts({ redraw });
    this.line = new Line({
      url: `${base}/socket`,
      token: () => account.token,
      tape: this.tape,
      onChange: (state) => this.#lineChanged(state === "open"),
      onClosed: (code) => void (code === expiredCode && renew()),
    });
    this.rest = new Rest({
      base,
      token: () => account.token,
      renew,
      isCut: () => this.line.isCut,
      tape: this.tape,
    });
    this.sync = new Sync({
      userId: account.userId,
      line: this.line,
      rest: this.rest,
      conversations: this.conversations,
      people: this.people,
      onMessage: (conversation, message) => this.#messageCame(conversation, message),
      onGone: (conversation) => this.#gone(conversation),
      onOwnAvailability: (status) => this.#seenAs(status),
      onCaughtUp: (caughtUp) => {
        this.ui.caughtUp = caughtUp;
        redraw();
      },
      onChange: () => {
        // What was missing may have come meanwhile.
        if (this.ui.isMissing && this.open) this.navigation.readAgain();
        redraw();
      },
    });
    this.ui.availability = this.#keptAvailability;
    this.writing = new Writing(this, signal);
    this.navigation = new Navigation(this, signal);
    this.onMessages = new MessageActs(this);
    this.onConversations = new ConversationActs(this);
  }

  /** Rejects when the list cannot be read: a token that is no good any more. */
  async start(signal: AbortSignal): Promise<void> {
    const { redraw } = this;
    await this.sync.start();
    this.line.connect();
    this.navigation.begin();
    document.addEventListener("visibilitychange", () => void this.#shown(), { signal });
    window.addEventListener("focus", () => this.looked(), { signal });
    const stored = ({ key }: StorageEvent) => {
      if (key !== this.#availabilityKey) return;
      this.ui.availability = this.#keptAvailability;
      this.#saidAtMs = Date.now();
      redraw();
    };
    window.addEventListener("storage", stored, { signal });
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

  readonly show = (id: string, seq: number | null = null): void => this.navigation.show(id, seq);

  readonly showList = (): void => this.navigation.showList();

  readonly linkTo = (conversationId: string, seq: number | null): string =>
    this.navigation.linkTo(conversationId, seq);

  showPanel(panel: Panel | null): void {
    this.navigation.showPanel(panel);
  }

  /** Whatever is open below a message. */
  closeMenu(): void {
    this.ui.menu = null;
    this.ui.refocus ??= "nearest";
    this.redraw();
  }

  readonly ask = (question: Question): void => this.showDialog({ type: "confirm", question });

  showDialog(dialog: OpenDialog): void {
    this.ui.menu = null;
    this.ui.dialog = dialog;
    this.redraw();
  }

  /** Closed as browsers do it, which gives the focus back. */
  closeDialog(): void {
    document.querySelector<HTMLDialogElement>("dialog[open]")?.close();
    this.ui.dialog = null;
    this.ui.refocus ??= "nearest";
    this.redraw();
  }

  undo(toast: number, act: () => void): void {
    this.toasts.dismiss(toast);
    act();
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

  /** The one rule of who counts as online: every user with a dot, oneself included. Null: not there, or nobody can know. */
  presenceOf(userId: string): Availability | null {
    if (this.line.state !== "open") return null;
    const isSelf = userId === this.account.userId;
    const availability = isSelf ? this.ui.availability : this.people.availabilityOf(userId);
    return availability === "offline" ? null : availability;
  }

  setAvailability(status: Availability): void {
    this.#noteAvailability(status);
    this.sync.setAvailability(status, (refusal) => this.toasts.show(refusal));
    this.redraw();
  }

  /** It is the user's, not this tab's: other tabs show the same, and the server says what holds. */
  #noteAvailability(status: Availability): void {
    this.ui.availability = status;
    this.#saidAtMs = Date.now();
    keep(localStorage, this.#availabilityKey, status);
    this.redraw();
  }

  /** Others see something else than was said here: another browser said it. What was on its way when it was said is older. */
  #seenAs(status: Availability): void {
    const isOlder = Date.now() - this.#saidAtMs < saidWithinMs;
    if (!isOlder && status !== this.ui.availability) this.#noteAvailability(status);
  }

  get #keptAvailability(): Availability {
    return kept<Availability>(localStorage, this.#availabilityKey) ?? "online";
  }

  get #availabilityKey(): string {
    return `availability:${this.account.userId}`;
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
    if (isOpen && this.#hasStarted) {
      this.sync.returning();
      this.navigation.readAgain();
    }
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
    if (this.ui.openId === conversation.id) this.navigation.gone();
    const title = this.titleOf(conversation);
    const isGroup = conversation.type === "group";
    const message = isGroup
      ? `You are no longer a member of “${title}”.`
      : `The conversation with ${title} is not there any more.`;
    this.toasts.show({ reason: "gone", message, retryAfterMs: null });
  }
}
