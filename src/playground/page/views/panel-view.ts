import type { App } from "../app.ts";
import { type Drawn, el } from "../render.ts";
import type { Panel } from "../ui.ts";
import { detailsView } from "./details-view.ts";
import { framesView } from "./frames-view.ts";
import { iconButton } from "./parts.ts";

const titles: Readonly<Record<Panel, string>> = { details: "Details", frames: "Frames" };

/** The right column. */
export function panelView(app: App, panel: Panel): Drawn {
  const { open } = app;
  return el(
    "aside",
    { class: "panel", "aria-label": titles[panel] },
    el(
      "header",
      { class: "panel-header" },
      iconButton("back", "Back to the conversation", () => app.showPanel(null), { class: "only-narrow" }),
      el(
        "div",
        { class: "tabs", role: "group", "aria-label": "Panel" },
        ...(Object.keys(titles) as Panel[]).map((each) => tab(app, each, panel)),
      ),
      iconButton("close", "Close the panel", () => app.showPanel(null), { class: "only-wide" }),
    ),
    panel === "frames"
      ? framesView(app)
      : open
        ? detailsView(app, open)
        : el("p", { class: "empty" }, "No conversation is open."),
  );
}

function tab(app: App, each: Panel, current: Panel): Drawn {
  return el(
    "button",
    {
      type: "button",
      class: "tab",
      key: each,
      "aria-pressed": String(each === current),
      on: { click: () => app.showPanel(each) },
    },
    titles[each],
  );
}
