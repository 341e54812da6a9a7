import { element, prose } from "../elements.ts";
import type { Door, Entry, Example, Field, Part } from "../model.ts";
import { typeView } from "./types.ts";

/** One operation, push or type, with all its doors. */
export function entryView(entry: Entry): HTMLElement {
  return element(
    "article",
    {},
    element("p", { is: "crumb" }, entry.theme),
    element("h1", {}, entry.title),
    prose(entry.summary, "lead"),
    prose(entry.about),
    ...entry.doors.map(doorView),
  );
}

function doorView({ badge, address, parts }: Door): HTMLElement {
  const isType = badge === "TYPE";
  const head = element("h2", { is: "door" }, badgeView(badge), element("code", {}, address));
  const [refusals, others] = split(parts);
  return element(
    "section",
    {},
    isType ? null : head,
    ...others.map(partView),
    refusals.length > 0 ? refusalsView(refusals) : null,
  );
}

export function badgeView(badge: string): HTMLElement {
  return element("span", { is: `badge ${badge.toLowerCase()}` }, badge);
}

function split(parts: readonly Part[]): readonly [readonly Part[], readonly Part[]] {
  const isRefusal = ({ title }: Part) => Number(title) >= 400 || title === "Reply error";
  return [parts.filter(isRefusal), parts.filter((part) => !isRefusal(part))];
}

function partView({ title, about, fields, examples }: Part): HTMLElement {
  const isStatus = /^\d+$/.test(title);
  const heading = element("h3", {}, isStatus ? element("span", { is: "status" }, title) : title);
  const known = element("div", { is: "known" }, prose(about), fields.length > 0 ? fieldsView(fields) : null);
  const shown = examples.length > 0 ? element("div", { is: "shown" }, ...examples.map(exampleView)) : null;
  return element("div", { is: "part" }, heading, element("div", { is: "columns" }, known, shown));
}

function fieldsView(fields: readonly Field[]): HTMLElement {
  const rows = fields.map(({ name, isRequired, schema, about }) =>
    element(
      "tr",
      {},
      element(
        "td",
        {},
        element("code", { is: "name" }, name),
        isRequired ? null : element("span", { is: "optional" }, "optional"),
      ),
      element("td", {}, typeView(schema), prose(about, "about")),
    ),
  );
  return element("table", { is: "fields" }, element("tbody", {}, ...rows));
}

function exampleView({ title, text }: Example): HTMLElement {
  const copy = element("button", { type: "button", is: "copy" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
    setTimeout(() => {
      copy.textContent = "Copy";
    }, 1_200);
  });
  const head = element("figcaption", {}, title, copy);
  return element("figure", {}, head, element("pre", { tabindex: "0" }, element("code", {}, text)));
}

/** Closed at first, because refusals are much alike everywhere. */
function refusalsView(parts: readonly Part[]): HTMLElement {
  const summary = element(
    "summary",
    {},
    "Refusals ",
    ...parts.map(({ title }) => element("span", { is: "status bad" }, title)),
  );
  return element("details", { is: "refusals" }, summary, ...parts.map(partView));
}
