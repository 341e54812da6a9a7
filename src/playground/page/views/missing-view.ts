import type { App } from "../app.ts";
import { type Drawn, el } from "../render.ts";
import { icon } from "./icons.ts";
import { button } from "./parts.ts";
import { secondTabLink } from "./second-tab.ts";

/** Instead of a conversation that an address names and that is not there, or not there yet. */
export function missingView(app: App): Drawn {
  if (!app.ui.isMissing)
    return el("p", { class: "welcome", role: "status" }, "Looking for the conversation …");
  const name = app.people.nameOf(app.account.userId);
  const others = app.people.known.filter(({ id }) => id !== app.account.userId);
  return el(
    "section",
    { class: "welcome", "aria-label": "Not found" },
    el("span", { class: "welcome-icon" }, icon("search")),
    el("h2", {}, "This conversation is not here"),
    el(
      "p",
      {},
      `It does not exist, or ${name} is not a member of it. The server tells strangers no more than that.`,
    ),
    el(
      "div",
      { class: "actions" },
      button("Your conversations", () => app.showList(), { class: "primary" }),
      ...others.map((person) => secondTabLink(person, `Open it as ${person.name}`)),
    ),
  );
}
