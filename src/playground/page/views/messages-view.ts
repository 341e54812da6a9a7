import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { type Child, type Drawn, el } from "../render.ts";
import { beginningText, dayText } from "../times.ts";
import type { Message } from "../wire.ts";
import { whyClosed } from "./composer-view.ts";
import { icon } from "./icons.ts";
import { messageView } from "./message-view.ts";
import { button, count } from "./parts.ts";
import { scrolled } from "./scroll.ts";
import { unsentView } from "./unsent-view.ts";

/** Messages of one author within this time stand together. */
const groupedWithinMs = 5 * 60_000;

export function messagesView(app: App, conversation: Conversation): Drawn {
  const { log } = conversation;
  return el(
    "div",
    { class: "scroller-place" },
    el(
      "div",
      {
        class: "scroller",
        tabindex: "0",
        role: "region",
        "aria-label": "Messages",
        "data-first": String(log.firstSeq ?? ""),
        on: {
          scroll: (event: Event) => scrolled(app, event.target as HTMLElement),
          keydown: (event: KeyboardEvent) => walk(app, conversation, event),
        },
      },
      el(
        "div",
        { class: "scroller-top" },
        log.isRead && log.hasEarlier
          ? button(
              "Earlier messages",
              () => void app.toasts.attempt(() => app.sync.readEarlier(conversation)),
              {
                class: "quiet",
              },
            )
          : null,
      ),
      el("ol", { class: "messages" }, ...entries(app, conversation)),
    ),
    app.ui.missedBelow > 0 || !app.ui.isAtEnd ? toEnd(app) : null,
  );
}

/** Up and down go from message to message; the first step goes to the newest. */
function walk(app: App, { log }: Conversation, event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || log.messages.length === 0) return;
  event.preventDefault();
  const { currentSeq } = app.ui;
  const at = log.messages.findIndex(({ seq }) => seq === currentSeq);
  const next = at < 0 ? log.messages.at(-1) : log.messages[at + step];
  if (!next) return;
  app.ui.currentSeq = next.seq;
  (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-seq="${next.seq}"]`)?.focus();
  app.redraw();
}

function toEnd(app: App): Drawn {
  const { missedBelow } = app.ui;
  return el(
    "button",
    {
      type: "button",
      class: "to-end",
      on: {
        click: () => app.showEnd(),
      },
    },
    icon("down"),
    missedBelow > 0 ? count(missedBelow, "new message") : "Newest",
  );
}

function entries(app: App, conversation: Conversation): readonly Child[] {
  const { log, notes } = conversation;
  const { messages } = log;
  const firstSeq = log.firstSeq ?? 0;
  const notesAfter = (seq: number) => notes.filter(({ afterSeq }) => afterSeq === seq).map(noteView);
  const before =
    firstSeq <= 1 ? notes.filter(({ afterSeq }) => afterSeq < firstSeq || firstSeq === 0).map(noteView) : [];
  const drawn = messages.flatMap((message, index) => {
    const previous = messages[index - 1];
    const next = messages[index + 1];
    const place = {
      isFirst: !standTogether(previous, message) || hasNote(conversation, previous),
      isLast: !standTogether(message, next) || hasNote(conversation, message),
    };
    return [
      isOtherDay(previous, message) ? dayView(message.sent_at) : null,
      message.seq === app.ui.unreadFromSeq ? unreadView() : null,
      messageView(app, conversation, message, place),
      ...notesAfter(message.seq),
    ];
  });
  const unsent = app.sync.unsentIn(conversation);
  const isEmpty = log.isRead && messages.length === 0 && unsent.length === 0;
  return [
    beginningView(conversation),
    ...before,
    ...drawn,
    ...unsent.map((entry) => unsentView(app, conversation, entry)),
    isEmpty ? emptyView(app, conversation) : null,
  ];
}

/** Who may not write is not asked to. */
function emptyView(app: App, conversation: Conversation): Drawn {
  const mayWrite = whyClosed(app, conversation) === null;
  return el(
    "li",
    { class: "note", key: "empty" },
    mayWrite ? "Nothing written yet. Say hello." : "Nothing written yet.",
  );
}

/** How the group began, above its first message. */
function beginningView({ type, log, createdAt }: Conversation): Drawn | null {
  if (type !== "group" || !log.isRead || log.hasEarlier) return null;
  return el(
    "li",
    { class: "note", key: "beginning" },
    "Group created on ",
    el("time", { datetime: createdAt }, beginningText(createdAt)),
  );
}

function hasNote({ notes }: Conversation, message: Message | undefined): boolean {
  return notes.some(({ afterSeq }) => afterSeq === message?.seq);
}

function noteView(
  { afterSeq, text }: { readonly afterSeq: number; readonly text: string },
  index: number,
): Drawn {
  return el("li", { class: "note", key: `note ${afterSeq} ${index}` }, text);
}

function dayView(at: string): Drawn {
  return el("li", { class: "day", key: `day ${dayText(at)}` }, el("span", {}, dayText(at)));
}

function unreadView(): Drawn {
  return el("li", { class: "unread-from", key: "unread" }, el("span", {}, "New"));
}

function isOtherDay(previous: Message | undefined, message: Message): boolean {
  return !previous || dayText(previous.sent_at) !== dayText(message.sent_at);
}

function standTogether(one: Message | undefined, other: Message | undefined): boolean {
  if (!one || !other || one.sender_id !== other.sender_id || isOtherDay(one, other)) return false;
  return Date.parse(other.sent_at) - Date.parse(one.sent_at) < groupedWithinMs;
}
