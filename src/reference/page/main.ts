import { element } from "./elements.ts";
import type { Json } from "./json.ts";
import { type Reference, referenceOf } from "./model.ts";
import { applyTheme, themeButton } from "./theme.ts";
import { entryView } from "./views/entry.ts";
import { Navigation } from "./views/navigation.ts";
import { overview } from "./views/overview.ts";

/** The API reference: everything that it shows is read from the documents of the server that sent it. */
async function start(): Promise<void> {
  applyTheme();
  const place = document.getElementById("page")!;
  try {
    const [rest, channels] = await Promise.all([load("openapi.json"), load("asyncapi.json")]);
    show(place, referenceOf(rest, channels));
  } catch (error) {
    place.append(
      element(
        "p",
        { is: "failed", role: "alert" },
        `The documents could not be read: ${error}. Reload the page.`,
      ),
    );
  }
}

async function load(file: string): Promise<Json> {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`${file} was answered with ${response.status}`);
  return (await response.json()) as Json;
}

function show(place: HTMLElement, reference: Reference): void {
  const navigation = new Navigation(reference);
  const main = element("main", { tabindex: "-1" });
  const home = element(
    "a",
    { is: "home", href: "#" },
    reference.title,
    element("span", { is: "version" }, reference.version),
  );
  const head = element("header", {}, element("div", { is: "bar" }, home, themeButton()), navigation.search);
  place.append(element("aside", {}, head, navigation.view), main);
  const open = () => {
    const id = location.hash.slice(1);
    const entry = reference.entries.find((each) => each.id === id);
    main.replaceChildren(entry ? entryView(entry) : overview(reference));
    document.title = entry ? `${entry.title} · whispr-msg API` : "whispr-msg API";
    navigation.show(id);
    main.scrollTo(0, 0);
  };
  window.addEventListener("hashchange", open);
  open();
}

void start();
