import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import { type Child, type Drawn, el } from "../render.ts";
import { currentTheme, toggleTheme } from "../theme.ts";
import { briefText } from "../times.ts";
import type { Availability, Message } from "../wire.ts";
import { icon } from "./icons.ts";
import { avatar, button, hidden, iconButton } from "./parts.ts";
import { secondTabLink } from "./second-tab.ts";

/** The left column: who one is, the line, and all conversations. */
export function listView(app: App): Drawn {
  return el(
    "div",
    { class: "list" },
    profile(app),
    lineSwitch(app),
    searchField(app),
    el("nav", { class: "rows-place", "aria-label": "Conversations" }, rows(app)),
  );
}

function profile(app: App): Drawn {
  const { userId } = app.account;
  const name = app.people.nameOf(userId);
  const isDark = currentTheme() === "dark";
  return el(
    "header",
    { class: "profile" },
    avatar(userId, name, { availability: app.presenceOf(userId) }),
    el("div", { class: "profile-name" }, el("h1", {}, name), availabilityChoice(app)),
    iconButton(isDark ? "sun" : "moon", isDark ? "Light colours" : "Dark colours", () => {
      toggleTheme();
      app.redraw();
    }),
    iconButton("plus", "New conversation", () => app.showDialog({ type: "new" })),
  );
}

const availabilities: readonly Availability[] = ["online", "away", "busy", "offline"];

function availabilityChoice(app: App): Drawn {
  const change = (event: Event) =>
    app.setAvailability((event.target as HTMLSelectElement).value as Availability);
  return el(
    "select",
    { class: "availability", "aria-label": "Your availability", on: { change }, value: app.ui.availability },
    ...availabilities.map((each) =>
      el("option", { value: each }, each === "offline" ? "appear offline" : each),
    ),
  );
}

const lineTexts = { open: "Connected", connecting: "Connecting …", cut: "Line cut" } as const;

/** Cutting it shows what the server keeps for a device that is away. */
function lineSwitch(app: App): Drawn {
  const { state } = app.line;
  return el(
    "div",
    { class: `line ${state}` },
    el("span", { class: "line-state", role: "status" }, icon("line"), lineTexts[state]),
    el(
      "button",
      {
        type: "button",
        class: "switch",
        role: "switch",
        "aria-checked": String(!app.line.isCut),
        "aria-label": "Line to the server",
        title: app.line.isCut ? "Restore the line" : "Cut the line",
        on: { click: () => (app.line.isCut ? app.restore() : app.cut()) },
      },
      el("span", { class: "knob" }),
    ),
  );
}

function searchField(app: App): Drawn {
  return el(
    "div",
    { class: "search" },
    icon("search"),
    el("input", {
      type: "search",
      placeholder: "Search",
      "aria-label": "Search conversations",
      value: app.ui.filter,
      on: {
        input: (event: InputEvent) => {
          app.ui.filter = (event.target as HTMLInputElement).value;
          app.redraw();
        },
        keydown: (event: KeyboardEvent) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          document.querySelector<HTMLElement>(".row")?.focus();
        },
      },
    }),
    el("kbd", { "aria-hidden": "true" }, /Mac|iP/.test(navigator.platform) ? "⌘K" : "Ctrl K"),
  );
}

function rows(app: App): Drawn {
  const { all } = app.conversations;
  const found = all.filter((conversation) => matches(app, conversation, app.ui.filter));
  if (all.length === 0) return el("p", { class: "empty" }, "No conversations yet.");
  if (found.length === 0) return el("p", { class: "empty" }, "Nothing found.");
  return el(
    "ul",
    { class: "rows", on: { keydown: moveFocus } },
    ...found.map((conversation) => el("li", { key: conversation.id }, row(app, conversation))),
  );
}

export function matches(app: App, conversation: Conversation, query: string): boolean {
  const wanted = query.trim().toLowerCase();
  if (wanted === "") return true;
  const texts = [app.titleOf(conversation), conversation.lastMessage?.content ?? ""];
  return texts.some((text) => text.toLowerCase().includes(wanted));
}

function row(app: App, conversation: Conversation): Drawn {
  const other = app.otherIn(conversation);
  const title = app.titleOf(conversation);
  const isOpen = conversation.id === app.ui.openId;
  const { unread } = conversation;
  return el(
    "button",
    {
      type: "button",
      class: `row ${unread > 0 ? "unread" : ""}`,
      "data-id": conversation.id,
      "aria-current": isOpen ? "true" : null,
      on: { click: () => app.show(conversation.id) },
    },
    avatar(other ?? conversation.id, title, {
      isGroup: other === null,
      availability: other === null ? null : app.presenceOf(other),
    }),
    el(
      "span",
      { class: "row-text" },
      el("span", { class: "row-title" }, title),
      el("span", { class: "row-preview" }, ...preview(app, conversation)),
    ),
    el(
      "span",
      { class: "row-side" },
      el("time", { datetime: conversation.movedAt }, briefText(conversation.movedAt)),
      unread > 0
        ? el("span", { class: "badge" }, unread > 999 ? "999+" : String(unread), hidden(" unread"))
        : null,
    ),
  );
}

function preview(app: App, conversation: Conversation): readonly Child[] {
  const [typist] = conversation.typing;
  if (typist) {
    const who = conversation.type === "group" ? `${app.nameOf(typist)} is ` : "";
    return [el("span", { class: "is-typing" }, `${who}typing …`)];
  }
  const waiting = app.sync.unsentIn(conversation).at(-1);
  if (waiting) return [el("span", { class: "row-waiting" }, icon("clock")), waiting.content];
  const draft = conversation.id === app.ui.openId ? "" : app.writing.draftIn(conversation).trim();
  if (draft !== "") return [el("span", { class: "row-draft" }, "Draft: "), draft];
  const { lastMessage } = conversation;
  if (!lastMessage) return ["Nothing written yet"];
  const isOwn = lastMessage.sender_id === app.account.userId;
  const isGroup = conversation.type === "group";
  const who = isOwn || isGroup ? `${app.nameOf(lastMessage.sender_id)}: ` : "";
  return [who + previewText(lastMessage)];
}

export function previewText(message: Pick<Message, "is_deleted" | "message_type" | "content">): string {
  if (message.is_deleted) return "deleted message";
  return message.content || (message.message_type === "media" ? "attachment" : "");
}

/** Up and down move between rows, as in any list. */
function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const all = [...document.querySelectorAll<HTMLElement>(".row")];
  const next = all[all.indexOf(document.activeElement as HTMLElement) + step];
  if (next) next.focus();
  else if (step < 0) document.querySelector<HTMLElement>(".search input")?.focus();
}

/** What a first visit sees: one press away from a conversation. */
export function welcomeView(app: App): Drawn {
  const others = app.people.known.filter(({ id }) => id !== app.account.userId);
  const [first, second] = others;
  const isNew = app.conversations.all.length === 0;
  return el(
    "div",
    { class: "welcome" },
    el("span", { class: "mark", "aria-hidden": "true" }),
    el("h2", {}, isNew ? "Say hello" : "Choose a conversation"),
    el(
      "p",
      {},
      isNew
        ? "Begin with one person or a few, then open a second tab as somebody else and watch both sides."
        : "Or begin another one. Ctrl K finds any of them.",
    ),
    el(
      "div",
      { class: "actions" },
      first
        ? button(`Start a chat with ${first.name}`, () => void app.onConversations.createDirect(first.id), {
            class: "primary",
          })
        : button("New conversation", () => app.showDialog({ type: "new" }), { class: "primary" }),
      first && second
        ? button(
            "Make a group",
            () =>
              void app.onConversations.createGroup(`${first.name}, ${second.name} and me`, [
                first.id,
                second.id,
              ]),
            {
              symbol: "people",
            },
          )
        : null,
      first ? secondTabLink(first) : null,
    ),
  );
}
