import type { Availability } from "./wire.ts";

export interface Person {
  readonly id: string;
  readonly name: string;
}

/**
 * Who the users are. The server knows ids only: names come from your own user service, here from the sample users. Availability comes
 * from the presence of each conversation that is joined.
 */
export class People {
  readonly known: readonly Person[];
  readonly #names: ReadonlyMap<string, string>;
  readonly #presences = new Map<string, ReadonlyMap<string, Availability>>();
  readonly #lastSeen = new Map<string, string>();

  constructor(known: readonly Person[]) {
    this.known = known;
    this.#names = new Map(known.map(({ id, name }) => [id, name]));
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? `User ${id.slice(-4)}`;
  }

  /** Who is there in one conversation; whoever was and is not any more was seen just now. */
  present(conversationId: string, now: ReadonlyMap<string, Availability>): void {
    const before = this.#presences.get(conversationId) ?? new Map();
    this.#presences.set(conversationId, now);
    for (const id of before.keys()) {
      if (!this.availabilityOf(id)) this.#lastSeen.set(id, new Date().toISOString());
    }
  }

  /** Null: not there. */
  availabilityOf(id: string): Availability | null {
    for (const presence of this.#presences.values()) {
      const found = presence.get(id);
      if (found && found !== "offline") return found;
    }
    return null;
  }

  seen(id: string, at: string | null | undefined): void {
    if (at && at > (this.#lastSeen.get(id) ?? "")) this.#lastSeen.set(id, at);
  }

  lastSeenOf(id: string): string | null {
    return this.#lastSeen.get(id) ?? null;
  }

  forgetPresence(conversationId: string): void {
    this.#presences.delete(conversationId);
  }
}
