import type { App } from "../app.ts";
import { type Drawn, el } from "../render.ts";
import { secondsUntil } from "../times.ts";
import type { Toast } from "../toasts.ts";
import { iconButton } from "./parts.ts";

/** Refusals, kindly: what happened, and when to try again. */
export function toastsView(app: App): Drawn {
  return el(
    "div",
    { class: "toasts", role: "status", "aria-live": "polite" },
    ...app.toasts.shown.map((toast) => toastView(app, toast)),
  );
}

function toastView(app: App, { number, title, text, retryAtMs }: Toast): Drawn {
  const seconds = retryAtMs === null ? 0 : secondsUntil(retryAtMs);
  return el(
    "div",
    { class: "toast", key: String(number) },
    el(
      "div",
      { class: "toast-text" },
      el("strong", {}, title),
      el("p", {}, text),
      seconds > 0 ? el("p", { class: "countdown" }, `Again in ${seconds} s`) : null,
    ),
    iconButton("close", "Dismiss", () => app.toasts.dismiss(number)),
  );
}
