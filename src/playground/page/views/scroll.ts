import type { App } from "../app.ts";
import { type Anchor, keepAnchor } from "../scroll-anchors.ts";

/** From here on the newest message counts as in view. */
const endWithinPx = 48;
/** Earlier messages are read before one arrives at the first. */
const earlierWithinPx = 320;
/** How long the messages stand still before their place is kept. */
const stillMs = 150;
const flashMs = 1_600;

let keepTimer = 0;

export function scrolled(app: App, scroller: HTMLElement): void {
  const wasAtEnd = app.ui.isAtEnd;
  app.ui.isAtEnd = isAtEnd(scroller);
  if (app.ui.isAtEnd) app.looked();
  if (app.ui.isAtEnd !== wasAtEnd) app.redraw();
  const { open } = app;
  if (!open) return;
  clearTimeout(keepTimer);
  keepTimer = setTimeout(() => keepPlace(app), stillMs);
  if (scroller.scrollTop < earlierWithinPx && open.log.isRead && open.log.hasEarlier) {
    void app.toasts.attempt(() => app.sync.readEarlier(open));
  }
}

function isAtEnd(scroller: HTMLElement): boolean {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < endWithinPx;
}

/** Where one is in the open conversation, for when it is opened again. */
export function keepPlace({ open, ui, account }: App): void {
  const scroller = document.querySelector<HTMLElement>(".scroller");
  if (!open?.log.isRead || ui.scrollTo || !scroller || scroller.clientHeight === 0) return;
  keepAnchor(account.userId, open.id, ui.isAtEnd ? null : anchorOf(scroller));
}

function anchorOf(scroller: HTMLElement): Anchor | null {
  const { top } = scroller.getBoundingClientRect();
  for (const element of scroller.querySelectorAll<HTMLElement>("[data-seq]")) {
    const box = element.getBoundingClientRect();
    if (box.bottom > top) return { seq: Number(element.dataset.seq), topPx: Math.round(box.top - top) };
  }
  return null;
}

/**
 * What one looks at stays where it is: at the end, or as far from the end as it was when something was put before it. Taken before a drawing, and
 * called after it.
 */
export function keptScroll(app: App): () => void {
  const before = document.querySelector<HTMLElement>(".scroller");
  const firstBefore = before?.dataset.first;
  const fromEnd = before ? before.scrollHeight - before.scrollTop : 0;
  return () => {
    const after = document.querySelector<HTMLElement>(".scroller");
    if (!after || scrollToWanted(app, after)) return;
    if (app.ui.isAtEnd) after.scrollTop = after.scrollHeight;
    else if (after === before && after.dataset.first !== firstBefore)
      after.scrollTop = after.scrollHeight - fromEnd;
  };
}

function scrollToWanted(app: App, scroller: HTMLElement): boolean {
  const { scrollTo } = app.ui;
  const message = scrollTo && scroller.querySelector<HTMLElement>(`[data-seq="${scrollTo.seq}"]`);
  if (!message) return false;
  app.ui.scrollTo = null;
  if (scrollTo.topPx === null) {
    message.scrollIntoView({ block: "center" });
    flash(message);
  } else {
    const movedPx = message.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    scroller.scrollTop += movedPx - scrollTo.topPx;
  }
  app.ui.isAtEnd = isAtEnd(scroller);
  return true;
}

/** Points a message out for a moment. */
function flash(message: HTMLElement): void {
  const ring = { boxShadow: "0 0 0 3px var(--accent-ink)" };
  message
    .querySelector(".bubble")
    ?.animate([ring, { ...ring, offset: 0.4 }, { boxShadow: "0 0 0 3px transparent" }], flashMs);
}
