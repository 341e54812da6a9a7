import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { type Drawn, el } from "../render.ts";
import { composerView } from "./composer-view.ts";
import { messagesView } from "./messages-view.ts";
import { avatar, button, count, iconButton } from "./parts.ts";
import { secondTabButton } from "./second-tab.ts";
import { statusText } from "./status.ts";

/** The middle column. */
export function conversationView(app: App, conversation: Conversation): Drawn {
  return el(
    "section",
    {
      class: "conversation",
      key: conversation.id,
      "aria-label": `Conversation: ${app.titleOf(conversation)}`,
    },
    header(app, conversation),
    lineBanner(app),
    messagesView(app, conversation),
    composerView(app, conversation),
  );
}

function header(app: App, conversation: Conversation): Drawn {
  const { ui } = app;
  const title = app.titleOf(conversation);
  const other = app.otherIn(conversation);
  const toggle = (panel: "details" | "frames") => () => app.showPanel(ui.panel === panel ? null : panel);
  return el(
    "header",
    { class: "conversation-header" },
    iconButton("back", "Back to the list", () => app.showList(), { class: "only-narrow" }),
    avatar(other ?? conversation.id, title, {
      isGroup: other === null,
      availability: other === null ? null : app.presenceOf(other),
    }),
    el(
      "div",
      { class: "conversation-title" },
      el("h2", {}, title),
      el("p", { class: conversation.typing.size > 0 ? "is-typing" : "" }, statusText(app, conversation)),
    ),
    other ? openAs(app, other) : null,
    iconButton("frames", "Frames on the wire", toggle("frames"), {
      "aria-pressed": String(ui.panel === "frames"),
    }),
    iconButton("details", "Details", toggle("details"), { "aria-pressed": String(ui.panel === "details") }),
  );
}

function openAs(app: App, userId: string): Drawn | null {
  const person = app.people.known.find(({ id }) => id === userId);
  return person ? secondTabButton(person, { class: "only-wide" }) : null;
}

/** That the line is away, and what was missed once it is back. */
function lineBanner(app: App): Drawn | null {
  const { caughtUp } = app.ui;
  if (app.line.isCut) {
    return el(
      "div",
      { class: "banner cut", role: "status" },
      "The line is cut. What you write waits, and what others write is kept for you.",
      button("Restore", () => app.restore()),
    );
  }
  if (app.ui.isAway) {
    const text = "The server cannot be reached. What you write waits, and goes once it is back.";
    return el("div", { class: "banner cut", role: "status" }, text);
  }
  if (!caughtUp) return null;
  const { messages, changes, tookMs } = caughtUp;
  const parts = [
    messages > 0 ? count(messages, "message") : null,
    changes > 0 ? count(changes, "other change") : null,
  ].filter((part) => part !== null);
  const what = parts.length > 0 ? `Caught up: ${parts.join(" and ")}` : "Back, and nothing was missed";
  return el(
    "div",
    { class: "banner back", role: "status" },
    `${what}, in ${tookMs} ms.`,
    iconButton("close", "Dismiss", () => {
      app.ui.caughtUp = null;
      app.redraw();
    }),
  );
}
