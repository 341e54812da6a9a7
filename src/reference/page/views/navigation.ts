import { element } from "../elements.ts";
import type { Entry, Reference } from "../model.ts";
import { badgeView } from "./entry.ts";

/** The list of everything, with what a search finds in it. */
export class Navigation {
  readonly view: HTMLElement;
  readonly #links = new Map<string, { readonly entry: Entry; readonly link: HTMLElement }>();
  readonly #groups: readonly { readonly name: string; readonly view: HTMLElement }[];
  readonly #nothing = element("p", { is: "nothing", hidden: "" }, "Nothing has these words.");
  readonly #search: HTMLInputElement;

  constructor({ themes, entries }: Reference) {
    const search = element("input", {
      type: "search",
      placeholder: "Search",
      "aria-label": "Search",
      spellcheck: "false",
    });
    this.#search = search as HTMLInputElement;
    this.#groups = themes.map(({ name }) => ({ name, view: this.#group(name, entries) }));
    this.view = element(
      "nav",
      { "aria-label": "Operations" },
      ...this.#groups.map(({ view }) => view),
      this.#nothing,
    );
    search.addEventListener("input", () => this.#filter());
    search.addEventListener("keydown", ({ key }) => key === "Enter" && this.#openFirst());
    document.addEventListener("keydown", (event) => this.#focus(event));
  }

  get search(): HTMLElement {
    return element("label", { is: "search" }, this.#search, element("kbd", {}, "/"));
  }

  show(id: string): void {
    for (const [own, { link }] of this.#links) {
      if (own === id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.#links.get(id)?.link.scrollIntoView({ block: "nearest" });
  }

  #group(name: string, entries: readonly Entry[]): HTMLElement {
    const own = entries.filter(({ theme }) => theme === name);
    return element("section", {}, element("h2", {}, name), ...own.map((entry) => this.#link(entry)));
  }

  #link(entry: Entry): HTMLElement {
    const badges =
      entry.theme === "Types" ? [] : [...new Set(entry.doors.map(({ badge }) => badge))].map(badgeView);
    const link = element(
      "a",
      { href: `#${entry.id}`, title: entry.summary },
      element("span", {}, entry.title),
      ...badges,
    );
    this.#links.set(entry.id, { entry, link });
    return link;
  }

  #filter(): void {
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { entry, link } of this.#links.values())
      link.hidden = !words.every((word) => entry.words.includes(word));
    for (const { view } of this.#groups) view.hidden = view.querySelector("a:not([hidden])") === null;
    this.#nothing.hidden = this.#groups.some(({ view }) => !view.hidden);
  }

  #openFirst(): void {
    const words = this.#search.value.toLowerCase();
    const found = [...this.#links.values()].filter(({ link }) => !link.hidden);
    const best = found.find(({ entry }) => entry.title.includes(words)) ?? found[0];
    if (best) location.hash = best.entry.id;
  }

  #focus(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#search.select();
  }
}
