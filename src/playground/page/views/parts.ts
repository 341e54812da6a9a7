import { type Child, type Drawn, el } from "../render.ts";
import type { Availability } from "../wire.ts";
import { type IconName, icon } from "./icons.ts";

/** What every view is made of. */

export function iconButton(
  name: IconName,
  label: string,
  onClick: (event: MouseEvent) => void,
  more: Readonly<Record<string, unknown>> = {},
): Drawn {
  const { class: extra = "", ...attributes } = more;
  return el(
    "button",
    {
      type: "button",
      class: `icon-button ${extra}`,
      "aria-label": label,
      title: label,
      on: { click: onClick },
      ...attributes,
    },
    icon(name),
  );
}

export function button(
  label: string,
  onClick: () => void,
  more: Readonly<Record<string, unknown>> = {},
): Drawn {
  const { class: extra = "", symbol, ...attributes } = more;
  return el(
    "button",
    { type: "button", class: `button ${extra}`, on: { click: onClick }, ...attributes },
    symbol ? icon(symbol as IconName) : null,
    label,
  );
}

/** Initials on a colour that is the same wherever this id is seen. */
export function avatar(
  id: string,
  name: string,
  more: {
    readonly size?: "small" | "large";
    readonly availability?: Availability | null;
    readonly isGroup?: boolean;
  } = {},
): Drawn {
  const { size = "", availability, isGroup = false } = more;
  return el(
    "span",
    {
      class: `avatar ${size} ${isGroup ? "group" : ""}`,
      "aria-hidden": "true",
      vars: { "--hue": String(hueOf(id)) },
    },
    initialsOf(name),
    availability ? el("span", { class: `presence ${availability}` }) : null,
  );
}

export function hidden(text: string): Drawn {
  return el("span", { class: "visually-hidden" }, text);
}

export function field(label: string, ...content: readonly Child[]): Drawn {
  return el("label", { class: "field" }, el("span", { class: "field-label" }, label), ...content);
}

export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!].map((word) => [...word][0]) : [[...name][0]];
  return letters.join("").toUpperCase();
}

/** FNV-1a over the id, so that ids that differ in one letter differ in colour. */
function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return hash % 360;
}

export function count(many: number, one: string, several = `${one}s`): string {
  return `${many} ${many === 1 ? one : several}`;
}
