import type { App } from "../app.ts";

/** From here on the newest message counts as in view. */
const endWithinPx = 48;
/** Earlier messages are read before one arrives at the first. */
const earlierWithinPx = 320;

export function scrolled(app: App, scroller: HTMLElement): void {
  const wasAtEnd = app.ui.isAtEnd;
  app.ui.isAtEnd = isAtEnd(scroller);
  if (app.ui.isAtEnd) app.looked();
  if (app.ui.isAtEnd !== wasAtEnd) app.redraw();
  const { open } = app;
  if (open && scroller.scrollTop < earlierWithinPx && open.log.isRead && open.log.hasEarlier) {
    void app.toasts.attempt(() => app.sync.readEarlier(open));
  }
}

function isAtEnd(scroller: HTMLElement): boolean {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < endWithinPx;
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
  const { scrollToSeq } = app.ui;
  if (scrollToSeq === null) return false;
  app.ui.scrollToSeq = null;
  scroller.querySelector(`[data-seq="${scrollToSeq}"]`)?.scrollIntoView({ block: "center" });
  app.ui.isAtEnd = isAtEnd(scroller);
  return true;
}
