import { element, prose } from "../elements.ts";
import type { Entry, Reference } from "../model.ts";
import { badgeView } from "./entry.ts";

/** The first page, before anything is chosen. */
export function overview({ title, version, about, themes, entries }: Reference): HTMLElement {
  return element(
    "article",
    { is: "overview" },
    element("p", { is: "crumb" }, `Version ${version}`),
    element("h1", {}, `${title} API`),
    element(
      "div",
      { is: "doors" },
      doorCard("REST", about[0]!, "openapi.json"),
      doorCard("Channels", about[1]!, "asyncapi.json"),
    ),
    ...themes.map(({ name, summary }) => themeView(name, summary, entries)),
  );
}

function doorCard(name: string, about: string, file: string): HTMLElement {
  return element(
    "section",
    { is: "card" },
    element("h2", {}, name),
    prose(about),
    element("a", { href: file }, file),
  );
}

function themeView(name: string, summary: string, entries: readonly Entry[]): HTMLElement {
  const own = entries.filter(({ theme }) => theme === name);
  const cards = own.map((entry) =>
    element(
      "a",
      { is: "entry", href: `#${entry.id}` },
      element("span", { is: "title" }, entry.title, ...badgesOf(entry).map(badgeView)),
      element("span", { is: "about" }, entry.summary),
    ),
  );
  return element(
    "section",
    {},
    element("h2", {}, name),
    prose(summary),
    element("div", { is: "entries" }, ...cards),
  );
}

function badgesOf({ theme, doors }: Entry): readonly string[] {
  return theme === "Types" ? [] : [...new Set(doors.map(({ badge }) => badge))];
}
