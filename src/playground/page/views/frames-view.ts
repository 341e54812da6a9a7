import type { App } from "../app.ts";
import { curlOf, scriptOf } from "../copy-as.ts";
import { framesKept, type TapedFrame } from "../frame-tape.ts";
import { type Child, type Drawn, el } from "../render.ts";
import { icon } from "./icons.ts";
import { button, count, hidden, iconButton } from "./parts.ts";

/** What really goes over the wire. */
export function framesView(app: App): Drawn {
  const { tape, ui } = app;
  const shown = tape.frames.filter((frame) => contains(frame, ui.frameFilter));
  return el(
    "div",
    { class: "panel-body frames", key: "frames" },
    el(
      "div",
      { class: "frames-tools" },
      el("input", {
        type: "search",
        placeholder: "Filter: topic, event, text",
        "aria-label": "Filter frames",
        value: ui.frameFilter,
        on: {
          input: (event: InputEvent) => {
            ui.frameFilter = (event.target as HTMLInputElement).value;
            app.redraw();
          },
        },
      }),
      iconButton(
        tape.isPaused ? "play" : "pause",
        tape.isPaused ? "Go on recording" : "Pause recording",
        () => {
          tape.isPaused = !tape.isPaused;
          app.redraw();
        },
        { "aria-pressed": String(tape.isPaused) },
      ),
      iconButton("copy", "Copy the shown frames as JSON", () => copy(app, shown)),
      iconButton("trash", "Clear", () => {
        app.toasts.offerUndo("Frames cleared", tape.clear());
      }),
    ),
    el(
      "p",
      { class: "frames-count" },
      `${count(shown.length, "frame")}${tape.isPaused ? ", paused" : ""}. The last ${framesKept} are kept.`,
    ),
    el("ol", { class: "frame-rows", reversed: true }, ...shown.toReversed().map((frame) => row(app, frame))),
  );
}

function contains({ frame }: TapedFrame, filter: string): boolean {
  return filter === "" || JSON.stringify(frame).toLowerCase().includes(filter.toLowerCase());
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

function row(app: App, frame: TapedFrame): Drawn {
  const { openFrames } = app.ui;
  const isOpen = openFrames.has(frame.number);
  const toggle = () => {
    if (!openFrames.delete(frame.number)) openFrames.add(frame.number);
    app.redraw();
  };
  return el(
    "li",
    { class: `frame ${frame.direction}`, key: String(frame.number) },
    el(
      "button",
      { type: "button", class: "frame-head", "aria-expanded": String(isOpen), on: { click: toggle } },
      el("span", { class: "direction" }, icon(frame.direction === "in" ? "down" : "up")),
      hidden(frame.direction === "in" ? "received " : "sent "),
      el("span", { class: "frame-event" }, eventOf(frame)),
      el("span", { class: "frame-topic" }, shortTopic(frame.topic)),
      el("span", { class: "frame-size" }, `${frame.bytes} B`),
      el("time", {}, clock.format(frame.at)),
    ),
    isOpen ? opened(app, frame) : null,
  );
}

/** A reply says which one by its status. */
function eventOf({ event, frame }: TapedFrame): string {
  const payload = Array.isArray(frame) ? frame[4] : null;
  return event === "phx_reply" && payload?.status ? `phx_reply ${payload.status}` : event;
}

/** Also the path of a call: ids by their ends. */
function shortTopic(topic: string): string {
  return topic.replace(/[\da-f-]{30}([\da-f]{6})/g, "…$1");
}

function opened(app: App, frame: TapedFrame): Drawn {
  return el(
    "div",
    { class: "frame-body" },
    frame.call || Array.isArray(frame.frame) ? copyButtons(app, frame) : null,
    el("pre", { tabindex: "0" }, ...coloured(JSON.stringify(frame.frame, null, 2))),
  );
}

/** With the token of this tab, as browsers copy requests: it works until that is over. */
function copyButtons(app: App, frame: TapedFrame): Drawn {
  const caller = {
    url: app.rest.url,
    token: app.account.token,
    messageId: (id: string, seq: number) => app.conversations.get(id)?.log.at(seq)?.id ?? null,
  };
  const curl = curlOf(frame, caller);
  const script = () => scriptOf(frame, caller);
  return el(
    "div",
    { class: "frame-copies" },
    button("JSON", () => copy(app, [frame]), {
      class: "quiet",
      symbol: "copy",
      "aria-label": "Copy this frame",
    }),
    button("curl", () => curl && void app.toasts.copy(curl, "Copied for a shell, with your token."), {
      class: "quiet",
      symbol: "copy",
      "aria-label": "Copy as curl",
      title: curl
        ? "The request over REST that does or reads the same"
        : "Only the socket has this; copy it as JS",
      disabled: curl === null,
    }),
    button(
      "JS",
      () => void app.toasts.copy(script(), "Copied for a console, Node, Bun or Deno, with your token."),
      {
        class: "quiet",
        symbol: "copy",
        "aria-label": "Copy as JS",
        title: "The same, without any package",
      },
    ),
  );
}

const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;

/** Keys, texts and values apart. Only ever text nodes: what a message holds is never markup. */
function coloured(json: string): readonly Child[] {
  const parts: Child[] = [];
  let from = 0;
  for (const match of json.matchAll(token)) {
    const [whole, text, colon] = match;
    parts.push(json.slice(from, match.index));
    parts.push(el("span", { class: text ? (colon ? "json-key" : "json-text") : "json-value" }, whole));
    from = match.index + whole.length;
  }
  return [...parts, json.slice(from)];
}

function copy(app: App, frames: readonly TapedFrame[]): void {
  const plain = frames.map(({ direction, at, frame }) => ({ direction, at: at.toISOString(), frame }));
  void app.toasts.copy(JSON.stringify(plain, null, 2), `${count(frames.length, "frame")} copied as JSON.`);
}
