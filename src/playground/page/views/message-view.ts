import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { linked } from "../links.ts";
import { hasReacted } from "../message-acts.ts";
import { type Child, type Drawn, el } from "../render.ts";
import { clockText, exactText } from "../times.ts";
import type { Message, ReplyPreview } from "../wire.ts";
import { type IconName, icon } from "./icons.ts";
import { previewText } from "./list-view.ts";
import { tabStop, toolsView } from "./message-tools.ts";
import { avatar, hidden } from "./parts.ts";

/** Where a message stands among those of its author. */
export interface PlaceInGroup {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

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
      "aria-current": message.seq === app.ui.currentSeq ? "true" : null,
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
        toolsView(app, conversation, message),
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
    isGone ? el("p", { class: "content" }, "This message was deleted") : contentView(app, message),
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

function contentView(app: App, message: Message): Drawn {
  const attachments = message.attachments ?? [];
  return el(
    "div",
    { class: "content" },
    ...attachments.map(({ id, media_type, media_id }) =>
      el("p", { class: "attachment", key: id }, `${media_type} ${media_id.slice(0, 8)}`),
    ),
    message.content === "" ? null : el("p", {}, ...textView(app, message)),
  );
}

/** Links are looked for once in each state of a message. */
const linkedTexts = new WeakMap<Message, ReturnType<typeof linked>>();

/** Only ever text nodes and links of three schemes: what a message holds is never markup. */
function textView(app: App, message: Message): readonly Child[] {
  const parts = linkedTexts.get(message) ?? linked(message.content);
  linkedTexts.set(message, parts);
  return parts.map((part) => {
    if (typeof part === "string") return part;
    const { text, href } = part;
    const rel = "noopener noreferrer nofollow";
    return el("a", { href, title: href, target: "_blank", rel, tabindex: tabStop(app, message) }, text);
  });
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
