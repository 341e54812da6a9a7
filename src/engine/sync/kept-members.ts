import type { Member } from "../../core/conversations/conversation.ts";

/** The most members that are kept, of all conversations together: about 100 MB. */
const maxMembers = 500_000;

/** Where members of a conversation are kept. */
interface Place {
  members: ReadonlyMap<string, Member> | null;
}

/** Keeps the members of conversations of which other nodes publish, bounded in all of them: those that were kept first go first. */
export class KeptMembers {
  readonly #most: number;
  /** With the number of members that each was counted with. */
  readonly #places = new Map<Place, number>();
  #members = 0;

  constructor(options: { readonly maxMembers?: number } = {}) {
    this.#most = options.maxMembers ?? maxMembers;
  }

  keep(place: Place, members: ReadonlyMap<string, Member>): void {
    this.#drop(place);
    place.members = members;
    this.#places.set(place, members.size);
    this.#members += members.size;
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
