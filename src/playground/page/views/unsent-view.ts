import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import type { Unsent } from "../outbox.ts";
import { type Drawn, el } from "../render.ts";
import { clockText, secondsUntil } from "../times.ts";
import { icon } from "./icons.ts";
import { button, hidden } from "./parts.ts";

/** A message that is shown before it is stored. */
export function unsentView(app: App, conversation: Conversation, entry: Unsent): Drawn {
  const { outbox } = app.sync.topicOf(conversation);
  const isRefused = entry.state === "refused";
  const discard = () => app.toasts.offerUndo("Message discarded", outbox.discard(entry.clientRandom));
  return el(
    "li",
    { class: `message own first last unsent ${entry.state}`, key: `unsent ${entry.clientRandom}` },
    el(
      "div",
      { class: "message-body" },
      el(
        "div",
        { class: "bubble-line" },
        el(
          "div",
          { class: "bubble" },
          hidden("You: "),
          el("div", { class: "content" }, el("p", {}, entry.content)),
          el(
            "span",
            { class: "meta" },
            el("time", { datetime: entry.writtenAt }, clockText(entry.writtenAt)),
            el(
              "span",
              { class: "tick" },
              icon(isRefused ? "warning" : "clock"),
              hidden(isRefused ? "not sent" : "waiting"),
            ),
          ),
        ),
      ),
      reason(entry),
      isRefused
        ? el(
            "div",
            { class: "unsent-actions" },
            button("Try again", () => outbox.retry(entry.clientRandom), { class: "quiet", symbol: "retry" }),
            button("Discard", discard, { class: "quiet" }),
          )
        : null,
    ),
  );
}

function reason({ refusal, retryAtMs, state }: Unsent): Drawn | null {
  if (!refusal) return null;
  const seconds = retryAtMs === null ? 0 : secondsUntil(retryAtMs);
  const again = state === "waiting" ? ` Goes again by itself in ${seconds} s.` : "";
  return el("p", { class: "unsent-reason", role: "status" }, refusal.message + again);
}
