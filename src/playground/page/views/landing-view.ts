import type { Person } from "../people.ts";
import { type Drawn, el } from "../render.ts";
import { avatar, button } from "./parts.ts";

export interface LandingOptions {
  readonly users: readonly Person[];
  readonly problem: string | null;
  /** The address names a conversation, which is shown afterwards. */
  readonly leadsOn: boolean;
  readonly onUser: (user: Person) => void;
  readonly onToken: (token: string) => void;
}

/** Who are you? */
export function landingView(options: LandingOptions): Drawn {
  const { users, problem, leadsOn } = options;
  return el(
    "main",
    { class: "landing" },
    el(
      "div",
      { class: "landing-card" },
      el("span", { class: "mark", "aria-hidden": "true" }),
      el("h1", {}, "whispr-msg playground"),
      users.length > 0 ? samples(options) : pasted(options),
      leadsOn
        ? el("p", { class: "hint" }, "The link leads to a conversation, which opens as soon as you are in.")
        : null,
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
    onToken(tokenIn(String(new FormData(event.target as HTMLFormElement).get("token"))));
  };
  // No token has a line break: Enter is meant for the form.
  const keydown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    (event.target as HTMLTextAreaElement).form?.requestSubmit();
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
      el("textarea", {
        name: "token",
        rows: "5",
        required: true,
        spellcheck: "false",
        autocomplete: "off",
        autocapitalize: "off",
        enterkeyhint: "go",
        mounted: (field: HTMLTextAreaElement) => field.focus(),
        on: { keydown },
      }),
    ),
    button("Enter", () => {}, { type: "submit", class: "primary" }),
  );
}

/** As it is copied from headers, logs and terminals: with its scheme, and cut into lines. */
function tokenIn(pasted: string): string {
  return pasted.replace(/^\s*bearer\s/i, "").replace(/\s+/g, "");
}
