import type { App } from "../app.ts";
import { type Drawn, el } from "../render.ts";
import { conversationView } from "./conversation-view.ts";
import { dialogView } from "./dialog-view.ts";
import { listView, previewText, welcomeView } from "./list-view.ts";
import { missingView } from "./missing-view.ts";
import { panelView } from "./panel-view.ts";
import { toastsView } from "./toasts-view.ts";

/** Three columns where there is room, one at a time where there is not. */
export function shellView(app: App): readonly Drawn[] {
  const { ui } = app;
  const place = ui.panel !== null ? "panel" : ui.openId !== null ? "conversation" : "list";
  const shell = el(
    "div",
    { class: `shell at-${place} ${ui.panel ? "with-panel" : ""}` },
    listView(app),
    el("main", { class: "middle" }, middle(app)),
    ui.panel ? panelView(app, ui.panel) : null,
  );
  const dialog = dialogView(app);
  return [
    shell,
    ...(dialog ? [dialog] : []),
    toastsView(app),
    el("div", { class: "visually-hidden", "aria-live": "polite" }, announcement(app)),
  ];
}

function middle(app: App): Drawn {
  if (app.open) return conversationView(app, app.open);
  return app.ui.openId === null ? welcomeView(app) : missingView(app);
}

/** As it is now: what was deleted meanwhile is not read out. */
function announcement(app: App): string {
  const { announced } = app.ui;
  const conversation = announced && app.conversations.get(announced.conversationId);
  if (!conversation) return "";
  const message = conversation.log.at(announced.seq) ?? conversation.lastMessage;
  return message ? `${app.nameOf(message.sender_id)}: ${previewText(message)}` : "";
}
