import { hashOf, type Place, placeOf } from "./place.ts";

const traversedWithinMs = 2_000;

/** The rest of the page's address stays: `?as=bob` says whose tab it is. */
export function addressOf(place: Place): string {
  const { origin, pathname, search } = location;
  return origin + pathname + search + hashOf(place);
}

/**
 * The browser's history of places. Each entry remembers the one before it, so that a button that leads back takes an entry away instead of
 * adding one: Back never shows again what was just closed.
 */
export class Places {
  /** Asked for while the browser was on its way to another entry. */
  #next: Place | null = null;
  #isTraversing = false;
  #timer = 0;

  constructor(options: { readonly onMoved: (place: Place) => void; readonly signal: AbortSignal }) {
    const { onMoved, signal } = options;
    const moved = () => {
      clearTimeout(this.#timer);
      const next = this.#next;
      this.#isTraversing = false;
      this.#next = null;
      if (next) this.go(next);
      else onMoved(this.current);
    };
    window.addEventListener("popstate", moved, { signal });
  }

  get current(): Place {
    return placeOf(location.hash);
  }

  /** Adds an entry, unless one is there already. */
  go(place: Place): void {
    if (this.#isTraversing) this.#next = place;
    else if (!this.#isAt(place)) history.pushState({ from: hashOf(this.current) }, "", hashOf(place));
  }

  /** Puts another place into the present entry. */
  replace(place: Place): void {
    if (this.#isTraversing) this.#next = place;
    else if (!this.#isAt(place)) history.replaceState(history.state, "", hashOf(place));
  }

  /** Goes back where that is the entry before, else puts the place into the present one. */
  leaveTo(place: Place): void {
    const { from } = (history.state ?? {}) as { readonly from?: string };
    if (this.#isTraversing || from !== hashOf(place)) return this.replace(place);
    this.#isTraversing = true;
    this.#timer = setTimeout(() => this.#giveUp(place), traversedWithinMs);
    history.back();
  }

  /** The browser did not move, or not in time: what was left stays left. A late move leads to the same place. */
  #giveUp(place: Place): void {
    const wanted = this.#next ?? place;
    this.#isTraversing = false;
    this.#next = null;
    this.replace(wanted);
  }

  #isAt(place: Place): boolean {
    return hashOf(this.current) === hashOf(place);
  }
}
