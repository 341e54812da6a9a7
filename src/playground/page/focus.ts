import type { Ui } from "./ui.ts";

/**
 * Keeps the focus over a drawing. What moves among its siblings loses it and gets it back. Where what had it is gone, or something was
 * closed, it goes to what opened that, else to where one goes on: the composer, or the list. Taken before a drawing, and called after it.
 */
export function keptFocus(ui: Ui): () => void {
  const before = focused();
  const nearby = before ? heirsOf(before) : [];
  return () => {
    const { refocus } = ui;
    ui.refocus = null;
    if (refocus === "composer")
      document.querySelector<HTMLElement>("#composer")?.focus({ preventScroll: true });
    else if (isSeen(before)) before.focus({ preventScroll: true });
    else if ((before || refocus) && !isSeen(focused()))
      [...nearby, ...placesToGoOn(ui)].find(isSeen)?.focus({ preventScroll: true });
  };
}

function focused(): HTMLElement | null {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement && activeElement !== document.body ? activeElement : null;
}

/** Of a popover: the button that opened it, then its message. */
function heirsOf(element: HTMLElement): readonly (HTMLElement | null)[] {
  const opener = element.closest(".tools")?.querySelector<HTMLElement>("[aria-expanded='true']") ?? null;
  return [opener, element.closest<HTMLElement>("[data-seq]")];
}

function placesToGoOn({ openId, lastOpenId, panel }: Ui): readonly (HTMLElement | null)[] {
  const find = (selector: string) => document.querySelector<HTMLElement>(selector);
  const inList = [
    find(`.row[data-id="${CSS.escape(lastOpenId ?? "")}"]`),
    find(".row"),
    find(".list .icon-button"),
  ];
  // On a phone the composer would bring its keyboard up.
  const composer = matchMedia("(min-width: 760px)").matches ? find("#composer") : null;
  const inConversation = [composer, find(".scroller"), find(".middle button")];
  return openId !== null ? [panel ? find(".panel button") : null, ...inConversation] : inList;
}

function isSeen(element: HTMLElement | null): element is HTMLElement {
  return element?.isConnected === true && element.checkVisibility();
}
