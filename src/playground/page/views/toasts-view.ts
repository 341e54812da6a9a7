import type { App } from "../app.ts";
import { type Drawn, el } from "../render.ts";
import { secondsUntil } from "../times.ts";
import type { Toast } from "../toasts.ts";
import { button, iconButton } from "./parts.ts";

/** What happened, when to try again, and how to take it back. */
export function toastsView(app: App): Drawn {
  return el(
    "div",
    { class: "toasts", role: "status", "aria-live": "polite" },
    ...app.toasts.shown.map((toast) => toastView(app, toast)),
  );
}

function toastView(app: App, { number, title, text, retryAtMs, undo }: Toast): Drawn {
  const seconds = retryAtMs === null ? 0 : secondsUntil(retryAtMs);
  return el(
    "div",
    { class: "toast", key: String(number) },
    el(
      "div",
      { class: "toast-text" },
      el("strong", {}, title),
      text === "" ? null : el("p", {}, text),
      seconds > 0 ? el("p", { class: "countdown" }, `Again in ${seconds} s`) : null,
    ),
    undo ? button("Undo", () => app.undo(number, undo), { class: "quiet" }) : null,
    iconButton("close", "Dismiss", () => app.toasts.dismiss(number)),
  );
}
