import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { mayAs } from "../group-settings.ts";
import { type Drawn, el } from "../render.ts";
import { icon } from "./icons.ts";
import { previewText } from "./list-view.ts";
import { iconButton } from "./parts.ts";

const mostRows = 8;

export function composerView(app: App, conversation: Conversation): Drawn {
  const closed = whyClosed(app, conversation);
  if (closed) return el("p", { class: "composer-closed" }, closed);
  return el(
    "form",
    {
      class: "composer",
      on: {
        submit: (event: SubmitEvent) => {
          event.preventDefault();
          app.writing.send();
        },
      },
    },
    context(app),
    el("div", { class: "composer-line" }, writingField(app, conversation), sendButton(app, conversation)),
  );
}

/** Null: one may write. */
export function whyClosed(app: App, conversation: Conversation): string | null {
  if (!conversation.isActive) return "This conversation is closed.";
  if (conversation.isBlocked)
    return `You have blocked ${app.titleOf(conversation)}, so that nobody can write here.`;
  const role = conversation.roleOf(app.account.userId);
  const isSilent = conversation.type === "group" && !mayAs(role, conversation.metadata, "message_permission");
  return isSilent ? "Only some roles may write in this group." : null;
}

function writingField(app: App, conversation: Conversation): Drawn {
  const text = app.writing.textIn(conversation);
  const rows = Math.min(mostRows, text.split("\n").length);
  return el("textarea", {
    id: "composer",
    key: `composer ${conversation.id}`,
    rows: String(rows),
    "aria-label": `Message to ${app.titleOf(conversation)}`,
    placeholder: "Write a message",
    autocomplete: "off",
    value: text,
    mounted: (field: HTMLTextAreaElement) => matchMedia("(min-width: 760px)").matches && field.focus(),
    on: {
      input: (event: InputEvent) => app.writing.typed((event.target as HTMLTextAreaElement).value),
      keydown: (event: KeyboardEvent) => keyed(app, conversation, event),
      blur: () => app.sync.topicOf(conversation).typing(false),
    },
  });
}

/** Enter sends, Shift and Enter begins a line, Up in an empty field edits the last message. */
function keyed(app: App, conversation: Conversation, event: KeyboardEvent): void {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    app.writing.send();
  } else if (event.key === "ArrowUp" && app.writing.textIn(conversation) === "") {
    event.preventDefault();
    app.writing.editLast();
  }
}

function sendButton(app: App, conversation: Conversation): Drawn {
  const isEmpty = app.writing.textIn(conversation).trim() === "";
  const { isEditing } = app.writing;
  return iconButton(isEditing ? "check" : "send", isEditing ? "Save" : "Send", () => {}, {
    type: "submit",
    class: "send",
    disabled: isEmpty,
  });
}

/** What is answered or changed. */
function context(app: App): Drawn | null {
  const { subject: message, isEditing } = app.writing;
  if (!message) return null;
  return el(
    "div",
    { class: "composer-context" },
    icon(isEditing ? "pencil" : "reply"),
    el(
      "div",
      { class: "composer-context-text" },
      el(
        "span",
        { class: "reply-author" },
        isEditing ? "Edit message" : `Reply to ${app.nameOf(message.sender_id)}`,
      ),
      el("span", { class: "reply-text" }, previewText(message)),
    ),
    iconButton("close", isEditing ? "Stop editing" : "Do not reply", () => app.writing.cancel()),
  );
}
