import type { Person } from "../people.ts";
import { type Drawn, el } from "../render.ts";
import { icon } from "./icons.ts";
import { iconButton } from "./parts.ts";

/** It opens where this one is. Without an opener, so that it gets a storage, and with it a device, of its own. */
export function secondTabLink(person: Person, label = labelOf(person)): Drawn {
  return el(
    "a",
    { class: "button", href: addressOf(person), target: "_blank", rel: "noopener" },
    icon("out"),
    label,
  );
}

export function secondTabButton(person: Person, more: Readonly<Record<string, unknown>> = {}): Drawn {
  return iconButton("out", labelOf(person), () => window.open(addressOf(person), "_blank", "noopener"), more);
}

function labelOf({ name }: Person): string {
  return `Open a second tab as ${name}`;
}

function addressOf({ name }: Person): string {
  return `?as=${encodeURIComponent(name.toLowerCase())}${location.hash}`;
}
