import type { App } from "./app.ts";

/** Keys that work wherever the focus is. Dialogs close by themselves. */
export function keyed(app: App, event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const isGoTo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
  if (isGoTo) event.preventDefault();
  if (app.ui.dialog) return;
  if (isGoTo) {
    app.ui.goToQuery = "";
    app.showDialog({ type: "switch" });
  } else if (event.key === "Escape") closeTopmost(app, event);
  else if (isIdle(event)) toComposer(app, event);
}

/** One thing at a time: what a search holds, a menu, an edit or answer, the panel, and at last the conversation. */
function closeTopmost(app: App, event: KeyboardEvent): void {
  const { ui, writing } = app;
  if (isFilledSearch(event.target)) clear(event.target);
  else if (ui.menu) app.closeMenu();
  else if (writing.subject) writing.cancel();
  else if (ui.panel) app.showPanel(null);
  else if (ui.openId !== null) app.showList();
}

function isFilledSearch(target: EventTarget | null): target is HTMLInputElement {
  return target instanceof HTMLInputElement && target.type === "search" && target.value !== "";
}

function clear(search: HTMLInputElement): void {
  search.value = "";
  search.dispatchEvent(new InputEvent("input"));
}

/** The focus is on nothing that takes keys itself. */
function isIdle({ target }: KeyboardEvent): boolean {
  return target === document.body || (target as Element).matches?.(".scroller, .message");
}

/** What is typed beside the composer goes into it, and Up edits the last message as it does there. */
function toComposer(app: App, event: KeyboardEvent): void {
  const { open, writing } = app;
  if (!open || event.ctrlKey || event.metaKey || event.altKey) return;
  const isUp = event.key === "ArrowUp" && event.target === document.body && writing.textIn(open) === "";
  if (isUp) {
    event.preventDefault();
    writing.editLast();
  } else if ([...event.key].length === 1 && event.key !== " ") {
    document.querySelector<HTMLElement>("#composer")?.focus();
  }
}
