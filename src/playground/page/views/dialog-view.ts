import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import type { Person } from "../people.ts";
import { type Child, type Drawn, el } from "../render.ts";
import { exactText } from "../times.ts";
import type { Question } from "../ui.ts";
import { matches } from "./list-view.ts";
import { avatar, button, field, iconButton } from "./parts.ts";
import { walkChoices } from "./popover.ts";

/** What is asked or shown before all else. */
export function dialogView(app: App): Drawn | null {
  const { dialog } = app.ui;
  switch (dialog?.type) {
    case "new":
      return frame(app, "New conversation", newConversation(app));
    case "switch":
      return frame(app, "Go to", switcher(app));
    case "add-members":
      return app.open ? frame(app, "Add members", addMembers(app, app.open)) : null;
    case "message":
      return app.open ? frame(app, "Message", messageDetails(app, app.open, dialog.seq)) : null;
    case "confirm":
      return frame(app, dialog.question.title, questionView(app, dialog.question));
    default:
      return null;
  }
}

/** The safe answer has the focus: a key that is held down too long destroys nothing. */
function questionView(app: App, { text, label, act }: Question): Drawn {
  const confirm = () => {
    app.closeDialog();
    act();
  };
  return el(
    "div",
    { class: "form" },
    el("p", { class: "hint" }, text),
    el(
      "div",
      { class: "dialog-actions" },
      button("Cancel", () => app.closeDialog(), { autofocus: true }),
      button(label, confirm, { class: "destructive" }),
    ),
  );
}

function frame(app: App, title: string, ...content: readonly Child[]): Drawn {
  // The browser tells of a closing later, when another dialog may be open already.
  const shown = app.ui.dialog;
  const closed = () => {
    if (app.ui.dialog === shown) app.ui.dialog = null;
    app.ui.refocus ??= "nearest";
    app.redraw();
  };
  return el(
    "dialog",
    {
      class: "dialog",
      key: title,
      "aria-label": title,
      mounted: (dialog: HTMLDialogElement) => dialog.showModal(),
      on: {
        close: closed,
        // The backdrop belongs to the dialog; what is inside lies on its one child.
        click: (event: MouseEvent) => event.target === event.currentTarget && app.closeDialog(),
      },
    },
    el(
      "div",
      { class: "dialog-body" },
      el(
        "header",
        { class: "dialog-header" },
        el("h2", {}, title),
        iconButton("close", "Close", () => app.closeDialog()),
      ),
      ...content,
    ),
  );
}

function newConversation(app: App): Drawn {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const userIds = chosenIds(form);
    const name = String(form.get("name")).trim();
    if (userIds.length === 0) return;
    app.closeDialog();
    if (userIds.length === 1 && name === "") void app.onConversations.createDirect(userIds[0]!);
    else
      void app.onConversations.createGroup(
        name || userIds.map((id) => app.people.nameOf(id)).join(", "),
        userIds,
      );
  };
  const others = app.people.known.filter(({ id }) => id !== app.account.userId);
  return el(
    "form",
    { class: "form", on: { submit } },
    el("p", { class: "hint" }, "One person makes a direct conversation, several or a name make a group."),
    peopleChoice(others),
    field(
      "Name of the group",
      el("input", { name: "name", maxlength: "100", autocomplete: "off", placeholder: "Optional" }),
    ),
    button("Start", () => {}, { type: "submit", class: "primary" }),
  );
}

function addMembers(app: App, conversation: Conversation): Drawn {
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const userIds = chosenIds(new FormData(event.target as HTMLFormElement));
    if (userIds.length > 0 && (await app.onConversations.addMembers(conversation, userIds)))
      app.closeDialog();
  };
  const others = app.people.known.filter(({ id }) => !conversation.members.has(id));
  return el(
    "form",
    { class: "form", on: { submit: (event: SubmitEvent) => void submit(event) } },
    peopleChoice(others),
    button("Add", () => {}, { type: "submit", class: "primary" }),
  );
}

/** Known people to tick, and an id for anybody else. */
function peopleChoice(people: readonly Person[]): Drawn {
  return el(
    "fieldset",
    { class: "people" },
    el("legend", {}, "Who"),
    ...people.map(({ id, name }, index) =>
      el(
        "label",
        { class: "person", key: id },
        el("input", { type: "checkbox", name: "user", value: id, autofocus: index === 0 }),
        avatar(id, name, { size: "small" }),
        name,
      ),
    ),
    field(
      people.length > 0 ? "Or the id of somebody else" : "Their user id",
      el("input", {
        name: "other",
        autocomplete: "off",
        spellcheck: "false",
        pattern: "[0-9a-fA-F\\-]{36}",
        placeholder: "uuid",
      }),
    ),
  );
}

function chosenIds(form: FormData): readonly string[] {
  const other = String(form.get("other") ?? "").trim();
  return [...form.getAll("user").map(String), ...(other === "" ? [] : [other])];
}

/** Ctrl K: type a few letters, Enter; or go down to one of those that are found. */
function switcher(app: App): Drawn {
  const go = (event: SubmitEvent) => {
    event.preventDefault();
    const [first] = found(app);
    if (first) app.show(first.id);
  };
  return el(
    "form",
    { class: "form", on: { submit: go, keydown: walkChoices } },
    el("input", {
      type: "search",
      "aria-label": "Conversation",
      placeholder: "Name or last message",
      value: app.ui.goToQuery,
      // Where a dialog that is opened puts the focus.
      autofocus: true,
      on: {
        input: (event: InputEvent) => {
          app.ui.goToQuery = (event.target as HTMLInputElement).value;
          app.redraw();
        },
      },
    }),
    el(
      "ul",
      { class: "switch-rows" },
      ...found(app)
        .slice(0, 8)
        .map((conversation) =>
          el(
            "li",
            { key: conversation.id },
            el(
              "button",
              {
                type: "button",
                class: "switch-row",
                on: {
                  click: () => app.show(conversation.id),
                },
              },
              avatar(app.otherIn(conversation) ?? conversation.id, app.titleOf(conversation), {
                size: "small",
                isGroup: conversation.type === "group",
              }),
              app.titleOf(conversation),
            ),
          ),
        ),
    ),
  );
}

function found(app: App): readonly Conversation[] {
  return app.conversations.all.filter((conversation) => matches(app, conversation, app.ui.goToQuery));
}

/** Who has it, and who has read it. */
function messageDetails(app: App, conversation: Conversation, seq: number): Drawn | null {
  const message = conversation.log.at(seq);
  if (!message) return null;
  const others = conversation.othersThan(message.sender_id);
  const reached = (kind: "read" | "delivered") =>
    others.filter((id) => conversation.marks.of(id)[kind] >= seq);
  const read = reached("read");
  const delivered = reached("delivered").filter((id) => !read.includes(id));
  const pending = others.filter((id) => !read.includes(id) && !delivered.includes(id));
  return el(
    "div",
    { class: "message-details" },
    el("p", { class: "quoted" }, message.is_deleted ? "This message was deleted" : message.content),
    el(
      "dl",
      { class: "facts" },
      el("dt", {}, "From"),
      el("dd", {}, app.nameOf(message.sender_id)),
      el("dt", {}, "Stored"),
      el("dd", {}, exactText(message.sent_at)),
      el("dt", {}, "seq, rev"),
      el("dd", {}, `${message.seq}, ${message.rev}`),
    ),
    people(app, "Read by", read),
    people(app, "Delivered to", delivered),
    people(app, "Not yet delivered to", pending),
  );
}

function people(app: App, title: string, ids: readonly string[]): Drawn | null {
  if (ids.length === 0) return null;
  return el(
    "section",
    { key: title, "aria-label": title },
    el("h4", {}, title),
    el(
      "ul",
      { class: "people-list" },
      ...ids.map((id) =>
        el("li", { key: id }, avatar(id, app.people.nameOf(id), { size: "small" }), app.nameOf(id)),
      ),
    ),
  );
}
