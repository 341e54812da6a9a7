import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { moderates } from "../group-settings.ts";
import { hasReacted } from "../message-acts.ts";
import { type Child, type Drawn, el } from "../render.ts";
import { clockText, exactText } from "../times.ts";
import type { Message, ReplyPreview } from "../wire.ts";
import { type IconName, icon } from "./icons.ts";
import { previewText } from "./list-view.ts";
import { avatar, hidden, iconButton } from "./parts.ts";

/** One stop of the tab key for all messages; arrow keys walk from one to the next. */
function tabStop(app: App, { seq }: Message): string {
  return seq === app.ui.currentSeq ? "0" : "-1";
}

/** Where a message stands among those of its author. */
export interface PlaceInGroup {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

const offeredReactions = ["👍", "❤️", "😂", "🎉", "😮", "🙏"] as const;

export function messageView(
  app: App,
  conversation: Conversation,
  message: Message,
  { isFirst, isLast }: PlaceInGroup,
): Drawn {
  const isOwn = message.sender_id === app.account.userId;
  const showsAuthor = conversation.type === "group" && !isOwn;
  const name = app.nameOf(message.sender_id);
  const isFlashed = message.seq === app.ui.flashedSeq;
  const classes = [
    "message",
    isOwn ? "own" : "theirs",
    isFirst ? "first" : "",
    isLast ? "last" : "",
    isFlashed ? "flash" : "",
  ];
  return el(
    "li",
    {
      class: classes.filter(Boolean).join(" "),
      key: String(message.seq),
      "data-seq": String(message.seq),
      tabindex: "-1",
    },
    showsAuthor
      ? el(
          "span",
          { class: "message-avatar" },
          isLast ? avatar(message.sender_id, name, { size: "small" }) : null,
        )
      : null,
    el(
      "div",
      { class: "message-body" },
      showsAuthor && isFirst ? el("span", { class: "author", "aria-hidden": "true" }, name) : null,
      el(
        "div",
        { class: "bubble-line" },
        bubble(app, conversation, message, name),
        tools(app, conversation, message),
      ),
      reactionsView(app, message),
    ),
  );
}

function bubble(app: App, conversation: Conversation, message: Message, name: string): Drawn {
  const isGone = message.is_deleted;
  return el(
    "div",
    { class: `bubble ${isGone ? "tombstone" : ""}` },
    hidden(`${name}: `),
    isGone ? null : replyView(app, conversation, message),
    isGone ? el("p", { class: "content" }, "This message was deleted") : contentView(message),
    el(
      "span",
      { class: "meta" },
      message.edited_at && !isGone ? el("span", { class: "edited" }, "edited") : null,
      el(
        "time",
        { datetime: message.sent_at, title: exactText(message.sent_at) },
        clockText(message.sent_at),
      ),
      message.sender_id === app.account.userId && !isGone ? tick(app, conversation, message) : null,
    ),
  );
}

function contentView(message: Message): Drawn {
  const attachments = message.attachments ?? [];
  return el(
    "div",
    { class: "content" },
    ...attachments.map(({ id, media_type, media_id }) =>
      el("p", { class: "attachment", key: id }, `${media_type} ${media_id.slice(0, 8)}`),
    ),
    message.content === "" ? null : el("p", {}, message.content),
  );
}

const ticks: Readonly<Record<string, { readonly name: IconName; readonly label: string }>> = {
  sent: { name: "check", label: "sent" },
  delivered: { name: "checks", label: "delivered" },
  read: { name: "checks", label: "read" },
};

function tick(app: App, conversation: Conversation, message: Message): Drawn {
  const status = conversation.marks.statusOf(message.seq, conversation.othersThan(app.account.userId));
  const { name, label } = ticks[status]!;
  return el("span", { class: `tick ${status}`, title: label }, icon(name), hidden(label));
}

/** From the log where it is held, which knows of later edits; else as it came with the reply. */
function replyView(app: App, conversation: Conversation, message: Message): Drawn | null {
  if (message.reply_to_id === null || message.reply_to_id === undefined) return null;
  const held = conversation.log.byId(message.reply_to_id);
  const original: Pick<ReplyPreview, "seq" | "sender_id" | "content" | "is_deleted" | "message_type"> | null =
    held ?? message.reply_to ?? null;
  if (!original) return el("p", { class: "reply-preview" }, "An earlier message");
  const text = previewText({ ...original, content: original.content ?? "a long message" });
  return el(
    "button",
    {
      type: "button",
      class: "reply-preview",
      tabindex: tabStop(app, message),
      title: "Show the message",
      on: { click: () => void app.onMessages.jump(original.seq) },
    },
    el("span", { class: "reply-author" }, app.nameOf(original.sender_id)),
    el("span", { class: "reply-text" }, text),
  );
}

function reactionsView(app: App, message: Message): Drawn | null {
  const counts = Object.entries(message.reaction_summary ?? {});
  if (counts.length === 0 || message.is_deleted) return null;
  return el(
    "ul",
    { class: "reactions", "aria-label": "Reactions" },
    ...counts.map(([reaction, many]) => {
      const isOwn = hasReacted(message, app.account.userId, reaction);
      const names = (message.reactions ?? [])
        .filter((each) => each.reaction === reaction)
        .map(({ user_id }) => app.nameOf(user_id));
      return el(
        "li",
        { key: reaction },
        el(
          "button",
          {
            type: "button",
            class: "reaction",
            tabindex: tabStop(app, message),
            "aria-pressed": String(isOwn),
            "aria-label": `${reaction} by ${names.join(", ")}`,
            title: names.join(", "),
            on: { click: () => void app.onMessages.react(message, reaction) },
          },
          el("span", { class: "emoji" }, reaction),
          String(many),
        ),
      );
    }),
  );
}

/** What can be done with a message; seen when it is pointed at, focused or touched. */
function tools(app: App, conversation: Conversation, message: Message): Drawn {
  const { menu } = app.ui;
  const isOpen = menu?.seq === message.seq;
  const tabindex = tabStop(app, message);
  const toggle = (kind: "react" | "more") => () => {
    app.ui.menu = isOpen && menu.kind === kind ? null : { seq: message.seq, kind };
    app.redraw();
  };
  return el(
    "div",
    { class: `tools ${isOpen ? "open" : ""}` },
    message.is_deleted
      ? null
      : el(
          "div",
          { class: "tool-row" },
          iconButton("smile", "React", toggle("react"), {
            "aria-expanded": String(isOpen && menu.kind === "react"),
            tabindex,
          }),
          iconButton("reply", "Reply", () => app.writing.beginReply(message), { tabindex }),
          iconButton("more", "More", toggle("more"), {
            "aria-expanded": String(isOpen && menu.kind === "more"),
            tabindex,
          }),
        ),
    isOpen && menu.kind === "react" ? reactionChoice(app, message) : null,
    isOpen && menu.kind === "more" ? moreMenu(app, conversation, message) : null,
  );
}

function reactionChoice(app: App, message: Message): Drawn {
  return el(
    "div",
    {
      class: "popover reaction-choice",
      role: "group",
      "aria-label": "Choose a reaction",
      mounted: placePopover,
    },
    ...offeredReactions.map((reaction) =>
      el(
        "button",
        {
          type: "button",
          class: "reaction-offer",
          "aria-label": `React with ${reaction}`,
          "aria-pressed": String(hasReacted(message, app.account.userId, reaction)),
          on: { click: () => void app.onMessages.react(message, reaction) },
        },
        reaction,
      ),
    ),
  );
}

function moreMenu(app: App, conversation: Conversation, message: Message): Drawn {
  const isOwn = message.sender_id === app.account.userId;
  const role = conversation.roleOf(app.account.userId);
  const mayDelete = isOwn || (conversation.type === "group" && moderates(role));
  const items: readonly Child[] = [
    isOwn ? menuItem("pencil", "Edit", () => app.writing.beginEdit(message)) : null,
    isOwn ? null : menuItem("unread", "Mark as unread", () => void app.onMessages.markUnread(message)),
    menuItem("details", "Who has read it", () => app.showDialog({ type: "message", seq: message.seq })),
    menuItem("copy", "Copy text", () => app.onMessages.copy(message)),
    mayDelete
      ? menuItem("trash", "Delete for everyone", () => void app.onMessages.remove(message), "danger")
      : null,
  ];
  return el(
    "div",
    { class: "popover menu", role: "group", "aria-label": "Message actions", mounted: placePopover },
    ...items,
  );
}

function menuItem(name: IconName, label: string, onClick: () => void, extra = ""): Drawn {
  return el(
    "button",
    { type: "button", class: `menu-item ${extra}`, on: { click: onClick } },
    icon(name),
    label,
  );
}

const edgePx = 8;

/** Upwards where there is no room below, and never beyond the sides; the first choice gets the focus. */
function placePopover(popover: HTMLElement): void {
  const scroller = popover.closest(".scroller")!.getBoundingClientRect();
  const { left, right, bottom } = popover.getBoundingClientRect();
  const shiftPx = Math.max(0, scroller.left + edgePx - left) + Math.min(0, scroller.right - edgePx - right);
  popover.style.setProperty("--shift", `${shiftPx}px`);
  popover.classList.toggle("upwards", bottom > scroller.bottom);
  popover.querySelector("button")?.focus({ preventScroll: true });
}
