const edgePx = 8;

/** Upwards where there is no room below, and never beyond the sides; the first choice gets the focus. */
export function placePopover(popover: HTMLElement): void {
  const scroller = popover.closest(".scroller")!.getBoundingClientRect();
  const { left, right, bottom, height } = popover.getBoundingClientRect();
  const shiftPx = Math.max(0, scroller.left + edgePx - left) + Math.min(0, scroller.right - edgePx - right);
  popover.style.setProperty("--shift", `${shiftPx}px`);
  const opener = popover.parentElement!.getBoundingClientRect();
  const isRoomAbove = opener.top - height > scroller.top;
  popover.classList.toggle("upwards", bottom > scroller.bottom && isRoomAbove);
  popover.querySelector<HTMLElement>("input, button")?.focus({ preventScroll: true });
  popover.scrollIntoView({ block: "nearest" });
}

/** Arrow keys go from choice to choice, row by row where they stand in rows; Home and End to the first and last. */
export function walkChoices(event: KeyboardEvent): void {
  const popover = event.currentTarget as HTMLElement;
  const choices = [...popover.querySelectorAll<HTMLElement>("button")];
  const next = nextOf(choices, choices.indexOf(document.activeElement as HTMLElement), event.key);
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}

function nextOf(choices: readonly HTMLElement[], at: number, key: string): HTMLElement | null {
  switch (key) {
    case "Home":
      return at < 0 ? null : (choices[0] ?? null);
    case "End":
      return at < 0 ? null : (choices.at(-1) ?? null);
    case "ArrowRight":
      return at < 0 ? null : (choices[at + 1] ?? null);
    case "ArrowLeft":
      return choices[at - 1] ?? null;
    case "ArrowDown":
    case "ArrowUp":
      return at < 0 && key === "ArrowDown" ? (choices[0] ?? null) : inOtherRow(choices, at, key);
    default:
      return null;
  }
}

/** The nearest choice of the next row that lies that way; one column: the next choice. One row: the neighbour. */
function inOtherRow(choices: readonly HTMLElement[], at: number, key: string): HTMLElement | null {
  const from = choices[at]?.getBoundingClientRect();
  if (!from) return null;
  const isDown = key === "ArrowDown";
  const away = (box: DOMRect) => (isDown ? box.top - from.bottom : from.top - box.bottom);
  const distance = (box: DOMRect) => Math.max(0, away(box)) * 1_000 + Math.abs(box.left - from.left);
  const beyond = choices
    .map((choice) => ({ choice, box: choice.getBoundingClientRect() }))
    .filter(({ box }) => away(box) >= -1)
    .sort((one, other) => distance(one.box) - distance(other.box));
  return beyond[0]?.choice ?? choices[isDown ? at + 1 : at - 1] ?? null;
}
