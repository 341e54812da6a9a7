import type { Member } from "../../core/conversations/conversation.ts";

/** The most members that are kept, of all conversations together: about 100 MB. A conversation without members counts as one. */
const maxMembers = 500_000;

/** Where members of a conversation are kept. */
interface Place {
  members: ReadonlyMap<string, Member> | null;
}

/** Keeps the members of conversations of which other nodes publish. Bounded in all of them together: those that were kept first go first. */
export class KeptMembers {
  readonly #most: number;
  /** What each was counted as. */
  readonly #places = new Map<Place, number>();
  #members = 0;

  constructor(options: { readonly maxMembers?: number } = {}) {
    this.#most = options.maxMembers ?? maxMembers;
  }

  keep(place: Place, members: ReadonlyMap<string, Member>): void {
    this.#drop(place);
    place.members = members;
    const counted = Math.max(1, members.size);
    this.#places.set(place, counted);
    this.#members += counted;
    for (const oldest of this.#places.keys()) {
      if (this.#members <= this.#most) return;
      this.#drop(oldest);
    }
  }

  #drop(place: Place): void {
    this.#members -= this.#places.get(place) ?? 0;
    this.#places.delete(place);
    place.members = null;
  }
}
