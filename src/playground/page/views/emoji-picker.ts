import type { App } from "../app.ts";
import { type EmojiGroup, findEmoji } from "../emoji.ts";
import { hasReacted } from "../message-acts.ts";
import { recentReactions } from "../recent-reactions.ts";
import { type Drawn, el } from "../render.ts";
import type { Message } from "../wire.ts";
import { placePopover, walkChoices } from "./popover.ts";

/** Any emoji as a reaction: those used last, then all by theme, or what one searches for. */
export function emojiPicker(app: App, message: Message): Drawn {
  const { ui } = app;
  const groups = found(app);
  const react = (reaction: string) => void app.onMessages.react(message, reaction);
  return el(
    "div",
    {
      class: "popover emoji-picker",
      key: "emoji",
      role: "group",
      "aria-label": "Choose any reaction",
      mounted: placePopover,
      on: { keydown: walkChoices },
    },
    el(
      "form",
      {
        on: {
          submit: (event: SubmitEvent) => {
            event.preventDefault();
            // Of what stands in the search now, which may not be drawn yet.
            const first = found(app)[0]?.emoji[0];
            if (first) react(first.emoji);
          },
        },
      },
      el("input", {
        type: "search",
        class: "emoji-search",
        "aria-label": "Search reactions",
        placeholder: "Search, or type any emoji",
        autocomplete: "off",
        value: ui.emojiQuery,
        on: {
          input: (event: InputEvent) => {
            ui.emojiQuery = (event.target as HTMLInputElement).value;
            app.redraw();
          },
        },
      }),
    ),
    el(
      "div",
      { class: "emoji-groups" },
      ...groups.map((group) => groupView(app, message, group, react)),
      groups.length === 0
        ? el("p", { class: "empty" }, "Nothing found. You can type an emoji itself.")
        : null,
    ),
  );
}

function found({ ui }: App): readonly EmojiGroup[] {
  return ui.emojiQuery.trim() === "" ? [...recent(), ...findEmoji("")] : findEmoji(ui.emojiQuery);
}

function recent(): readonly EmojiGroup[] {
  const used = recentReactions();
  return used.length === 0 ? [] : [{ name: "Used last", emoji: used.map((emoji) => ({ emoji, words: "" })) }];
}

function groupView(
  app: App,
  message: Message,
  { name, emoji }: EmojiGroup,
  react: (reaction: string) => void,
): Drawn {
  return el(
    "section",
    { key: name, "aria-label": name },
    el("h4", {}, name),
    el(
      "div",
      { class: "emoji-grid" },
      ...emoji.map(({ emoji: each, words }) =>
        el(
          "button",
          {
            key: each,
            type: "button",
            class: "reaction-offer",
            "aria-label": `React with ${each}`,
            title: words,
            "aria-pressed": String(hasReacted(message, app.account.userId, each)),
            on: { click: () => react(each) },
          },
          each,
        ),
      ),
    ),
  );
}
