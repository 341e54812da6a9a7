import type { Online, PresenceDiff, PresenceStatus } from "../ports/presence.ts";
import { type MostDiffs, PendingDiffs } from "./pending-diffs.ts";

/** How long a user stays online after their last connection: longer than a reconnect takes. */
export const graceMs = 2_000;
/** The most conversations in which one user is shown. Those that they opened come before those that others brought them into. */
const maxPlacesOfOne = 2_000;
const maxPresences = 2_000_000;

/** A user who has sockets, or had some a moment ago. */
interface User {
  readonly userId: string;
  readonly ref: string;
  readonly sinceUs: number;
  /** Null: they have set the status `offline`. */
  shown: Online | null;
  sockets: number;
  /** When the last socket closed; null: there are some. */
  left: Instants | null;
  readonly places: Place[];
  /** Those among `places` whose topic one of their sockets has joined. */
  readonly opened: Set<Place>;
}

/** A conversation with those of its members who are online. Arrays: most have one or two, and there are many. */
interface Place {
  readonly conversationId: string;
  readonly users: User[];
}

/** The same moment by both clocks. */
export interface Instants {
  readonly ms: number;
  readonly us: number;
}

export interface WentOffline {
  readonly userId: string;
  readonly atUs: number;
}

/** The rules of the presence port: who is online, where they show, and which diffs are due. Callers pass the time. */
export class OnlineUsers {
  readonly #users = new Map<string, User>();
  readonly #places = new Map<string, Place>();
  /** Without a socket, in the order in which they lost the last one. */
  readonly #leaving = new Set<User>();
  readonly #pending: PendingDiffs;
  #presences = 0;

  constructor(options: { readonly listensTo: (conversationId: string) => boolean }) {
    this.#pending = new PendingDiffs(options);
  }

  get size(): number {
    return this.#users.size;
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** `newRef` names the time of a user who was not online. */
  arrived(userId: string, newRef: () => string, nowUs: number): void {
    const user = this.#users.get(userId) ?? this.#add(userId, newRef(), nowUs);
    user.sockets++;
    user.left = null;
    this.#leaving.delete(user);
  }

  departed(userId: string, now: Instants): void {
    const user = this.#users.get(userId);
    if (!user || user.sockets === 0 || --user.sockets > 0) return;
    user.left = now;
    this.#leaving.add(user);
  }

  presentIn(userId: string, conversationIds: Iterable<string>): void {
    const user = this.#users.get(userId);
    if (!user) return;
    for (const conversationId of conversationIds) this.#enter(user, conversationId);
  }

  /** Adds a conversation that they use. At the limit it replaces one that they have not opened, or else the one they opened first. */
  opened(userId: string, conversationId: string): void {
    const user = this.#users.get(userId);
    if (!user) return;
    const isKnown = this.#places.get(conversationId)?.users.includes(user) ?? false;
    if (!isKnown && user.places.length >= maxPlacesOfOne) this.#makeRoom(user);
    this.#enter(user, conversationId);
    const place = this.#places.get(conversationId);
    if (place?.users.includes(user)) user.opened.add(place);
  }

  #makeRoom(user: User): void {
    const at = user.places.findIndex((place) => !user.opened.has(place));
    const [place] = user.places.splice(Math.max(0, at), 1);
    user.opened.delete(place!);
    this.#leave(user, place!);
  }

  /** Repeats the removed users in the conversations where they still show: some clients keep one set for all conversations, and have just removed them from it. */
  keepOnly(conversationId: string, isMember: (userId: string) => boolean): void {
    const place = this.#places.get(conversationId);
    if (!place) return;
    for (const user of place.users.filter(({ userId }) => !isMember(userId))) {
      user.places.splice(user.places.indexOf(place), 1);
      user.opened.delete(place);
      this.#leave(user, place);
      if (user.shown)
        for (const each of user.places) this.#pending.repeat(each.conversationId, user.userId, user);
    }
  }

  isIn(userId: string, conversationId: string): boolean {
    return this.#users.get(userId)?.places.some((place) => place.conversationId === conversationId) ?? false;
  }

  /** Returns not null if the user went offline by setting that status. */
  setStatus(userId: string, status: PresenceStatus, nowUs: number): WentOffline | null {
    const user = this.#users.get(userId);
    if (!user || (user.shown?.status ?? "offline") === status) return null;
    const was = user.shown;
    const { ref, sinceUs } = user;
    user.shown = status === "offline" ? null : { userId, ref, sinceUs, status, isRevised: true };
    for (const { conversationId } of user.places)
      this.#pending.note(conversationId, userId, { was, now: user });
    return user.shown ? null : { userId, atUs: nowUs };
  }

  onlineIn(conversationId: string): readonly Online[] {
    return this.#pending.asTold(conversationId, this.#places.get(conversationId)?.users ?? []);
  }

  isOnline(userId: string): boolean {
    return this.#users.get(userId)?.shown != null;
  }

  /** Removes users whose grace is over, up to `most`. Returns those of them who showed until then. */
  expire(nowMs: number, most: number): readonly WentOffline[] {
    const gone: User[] = [];
    for (const user of this.#leaving) {
      if (nowMs - user.left!.ms < graceMs || gone.length >= most) break;
      gone.push(user);
    }
    for (const user of gone) this.#remove(user);
    return gone.filter(({ shown }) => shown).map(({ userId, left }) => ({ userId, atUs: left!.us }));
  }

  /** When the next grace is over; null: nobody is about to go. */
  get nextEndMs(): number | null {
    for (const user of this.#leaving) return user.left!.ms + graceMs;
    return null;
  }

  /** Takes the oldest diffs, as many as `most` allows. */
  takeDiffs(most: MostDiffs): readonly PresenceDiff[] {
    return this.#pending.take(most);
  }

  /** Removes all users at once, and all diffs. Returns the users who showed until then. */
  clear(nowUs: number): readonly WentOffline[] {
    const seen = [...this.#users.values()].filter(({ shown }) => shown);
    this.#users.clear();
    this.#places.clear();
    this.#leaving.clear();
    this.#pending.clear();
    this.#presences = 0;
    return seen.map(({ userId, left }) => ({ userId, atUs: left?.us ?? nowUs }));
  }

  #add(userId: string, ref: string, sinceUs: number): User {
    const shown: Online = { userId, ref, sinceUs, status: "online", isRevised: false };
    const user: User = { userId, ref, sinceUs, shown, sockets: 0, left: null, places: [], opened: new Set() };
    this.#users.set(userId, user);
    return user;
  }

  #remove(user: User): void {
    this.#leaving.delete(user);
    this.#users.delete(user.userId);
    for (const place of user.places) this.#leave(user, place);
  }

  #enter(user: User, conversationId: string): void {
    const known = this.#places.get(conversationId);
    if (known?.users.includes(user)) return;
    if (user.places.length >= maxPlacesOfOne || this.#presences >= maxPresences) return;
    const place = known ?? this.#open(conversationId);
    this.#presences++;
    user.places.push(place);
    place.users.push(user);
    this.#pending.note(conversationId, user.userId, { was: null, now: user });
  }

  #open(conversationId: string): Place {
    const place: Place = { conversationId, users: [] };
    this.#places.set(conversationId, place);
    return place;
  }

  /** The caller removes the place from the user. */
  #leave(user: User, { conversationId, users }: Place): void {
    this.#presences--;
    users.splice(users.indexOf(user), 1);
    if (users.length === 0) this.#places.delete(conversationId);
    this.#pending.note(conversationId, user.userId, { was: user.shown, now: null });
  }
}
