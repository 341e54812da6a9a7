import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { quickReactions } from "../emoji.ts";
import { moderates } from "../group-settings.ts";
import { hasReacted } from "../message-acts.ts";
import { type Child, type Drawn, el } from "../render.ts";
import type { OpenMenu } from "../ui.ts";
import type { Message } from "../wire.ts";
import { emojiPicker } from "./emoji-picker.ts";
import { type IconName, icon } from "./icons.ts";
import { iconButton } from "./parts.ts";
import { placePopover, walkChoices } from "./popover.ts";

/** One stop of the tab key for all messages; arrow keys walk from one to the next. */
export function tabStop(app: App, { seq }: Message): string {
  return seq === app.ui.currentSeq ? "0" : "-1";
}

/** What can be done with a message; seen when it is pointed at, focused or touched. */
export function toolsView(app: App, conversation: Conversation, message: Message): Drawn {
  const { menu } = app.ui;
  const kind = menu?.seq === message.seq ? menu.kind : null;
  return el(
    "div",
    { class: `tools ${kind ? "open" : ""}`, on: { focusout: (event: FocusEvent) => left(app, event) } },
    message.is_deleted ? null : toolRow(app, message, kind),
    kind === "react" ? reactionChoice(app, message) : null,
    kind === "emoji" ? emojiPicker(app, message) : null,
    kind === "more" ? moreMenu(app, conversation, message) : null,
  );
}

function toolRow(app: App, message: Message, kind: OpenMenu["kind"] | null): Drawn {
  const tabindex = tabStop(app, message);
  const toggle = (wanted: "react" | "more", isOpen: boolean) => () => {
    if (isOpen) return app.closeMenu();
    app.ui.menu = { seq: message.seq, kind: wanted };
    app.redraw();
  };
  const isReacting = kind === "react" || kind === "emoji";
  return el(
    "div",
    { class: "tool-row" },
    iconButton("smile", "React", toggle("react", isReacting), {
      "aria-expanded": String(isReacting),
      tabindex,
    }),
    iconButton("reply", "Reply", () => app.writing.beginReply(message), { tabindex }),
    iconButton("more", "More", toggle("more", kind === "more"), {
      "aria-expanded": String(kind === "more"),
      tabindex,
    }),
  );
}

/** What the focus left for something else is closed. */
function left(app: App, { currentTarget, relatedTarget }: FocusEvent): void {
  if (!app.ui.menu || !relatedTarget || (currentTarget as Element).contains(relatedTarget as Node)) return;
  app.ui.menu = null;
  app.redraw();
}

function reactionChoice(app: App, message: Message): Drawn {
  const showAll = () => {
    app.ui.menu = { seq: message.seq, kind: "emoji" };
    app.ui.emojiQuery = "";
    app.redraw();
  };
  return el(
    "div",
    {
      class: "popover reaction-choice",
      key: "react",
      role: "group",
      "aria-label": "Choose a reaction",
      mounted: placePopover,
      on: { keydown: walkChoices },
    },
    ...quickReactions.map((reaction) =>
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
    iconButton("plus", "More reactions", showAll, { class: "reaction-more" }),
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
    menuItem("copy", "Copy text", () => void app.onMessages.copy(message)),
    menuItem("link", "Copy link", () => void app.onMessages.copyLink(message)),
    mayDelete
      ? menuItem("trash", "Delete for everyone", () => app.onMessages.askToRemove(message), "danger")
      : null,
  ];
  return el(
    "div",
    {
      class: "popover menu",
      key: "more",
      role: "group",
      "aria-label": "Message actions",
      mounted: placePopover,
      on: { keydown: walkChoices },
    },
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
