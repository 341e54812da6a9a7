import type { Person } from "../people.ts";
import { type Drawn, el } from "../render.ts";
import { avatar, button } from "./parts.ts";

export interface LandingOptions {
  readonly users: readonly Person[];
  readonly problem: string | null;
  readonly onUser: (user: Person) => void;
  readonly onToken: (token: string) => void;
}

/** Who are you? */
export function landingView(options: LandingOptions): Drawn {
  const { users, problem } = options;
  return el(
    "main",
    { class: "landing" },
    el(
      "div",
      { class: "landing-card" },
      el("span", { class: "mark", "aria-hidden": "true" }),
      el("h1", {}, "whispr-msg playground"),
      users.length > 0 ? samples(options) : pasted(options),
      problem ? el("p", { class: "problem", role: "alert" }, problem) : null,
    ),
  );
}

function samples({ users, onUser }: LandingOptions): Drawn {
  return el(
    "div",
    { class: "landing-body" },
    el(
      "p",
      { class: "lead" },
      "Choose who you are. Every tab is a device of its own: open two, side by side, and write to each other.",
    ),
    el(
      "ul",
      { class: "tiles", "aria-label": "Sample users" },
      ...users.map((user) =>
        el(
          "li",
          { key: user.id },
          el(
            "button",
            { type: "button", class: "tile", on: { click: () => onUser(user) } },
            avatar(user.id, user.name, { size: "large" }),
            user.name,
          ),
        ),
      ),
    ),
  );
}

function pasted({ onToken }: LandingOptions): Drawn {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onToken(String(new FormData(event.target as HTMLFormElement).get("token")).trim());
  };
  return el(
    "form",
    { class: "landing-body", on: { submit } },
    el(
      "p",
      { class: "lead" },
      "Paste a token of your auth service. It stays in this tab, and is sent to this server only.",
    ),
    el(
      "label",
      { class: "field" },
      el("span", { class: "field-label" }, "Token"),
      el("textarea", { name: "token", rows: "5", required: true, spellcheck: "false", autocomplete: "off" }),
    ),
    button("Enter", () => {}, { type: "submit", class: "primary" }),
  );
}
