import type { Clock } from "../core/ports/clock.ts";
import type { NewId } from "../core/ports/ids.ts";
import type { Online, Presence, PresenceListener, PresenceStatus } from "../core/ports/presence.ts";
import { OnlineUsers, type WentOffline } from "../core/presence/online-users.ts";

/** How long diffs are gathered. */
const windowMs = 300;
/**
 * The most that is told in one turn; the others wait for the next window. A member of many large groups may hear of all these users: about
 * 520 kB, half of what may wait for a slow reader.
 */
const diffsAtOnce = { conversations: 2_000, users: 4_000 };
/** The most users who go in one turn, when a whole network is lost. */
const goneAtOnce = 2_000;

/** The users of one process, in its memory. */
export class LocalPresence implements Presence {
  readonly #clock: Clock;
  readonly #newId: NewId;
  readonly #users = new OnlineUsers({
    listensTo: (conversationId) => this.#listener.listensTo(conversationId),
  });
  #listener: PresenceListener = nobody;
  #cancelTelling: (() => void) | null = null;
  #cancelLeaving: (() => void) | null = null;

  constructor(options: { readonly clock: Clock; readonly newId: NewId }) {
    this.#clock = options.clock;
    this.#newId = options.newId;
  }

  get size(): number {
    return this.#users.size;
  }

  subscribe(listener: PresenceListener): void {
    this.#listener = listener;
  }

  arrived(userId: string): void {
    this.#users.arrived(userId, this.#newId, this.#clock.nowUs());
  }

  departed(userId: string): void {
    this.#users.departed(userId, { ms: this.#clock.monotonicMs(), us: this.#clock.nowUs() });
    this.#watchLeaving();
  }

  presentIn(userId: string, conversationIds: Iterable<string>): void {
    this.#users.presentIn(userId, conversationIds);
    this.#tellSoon();
  }

  opened(userId: string, conversationId: string): void {
    this.#users.opened(userId, conversationId);
    this.#tellSoon();
  }

  keepOnly(conversationId: string, isMember: (userId: string) => boolean): void {
    this.#users.keepOnly(conversationId, isMember);
    this.#tellSoon();
  }

  isIn(userId: string, conversationId: string): boolean {
    return this.#users.isIn(userId, conversationId);
  }

  setStatus(userId: string, status: PresenceStatus): void {
    const gone = this.#users.setStatus(userId, status, this.#clock.nowUs());
    if (gone) this.#listener.wentOffline(gone.userId, gone.atUs);
    this.#tellSoon();
  }

  onlineIn(conversationId: string): readonly Online[] {
    return this.#users.onlineIn(conversationId);
  }

  isOnline(userId: string): boolean {
    return this.#users.isOnline(userId);
  }

  stop(): void {
    this.#cancelTelling?.();
    this.#cancelLeaving?.();
    this.#wentOffline(this.#users.clear(this.#clock.nowUs()));
  }

  #tellSoon(): void {
    if (this.#cancelTelling || !this.#users.hasPending) return;
    this.#cancelTelling = this.#clock.after(windowMs, () => {
      this.#cancelTelling = null;
      try {
        if (!this.#listener.isLate()) this.#tell();
      } finally {
        this.#tellSoon();
      }
    });
  }

  #tell(): void {
    for (const diff of this.#users.takeDiffs(diffsAtOnce)) this.#listener.told(diff);
  }

  /** One timer, for the one whose grace is over first. */
  #watchLeaving(): void {
    const endMs = this.#users.nextEndMs;
    if (this.#cancelLeaving || endMs === null) return;
    this.#cancelLeaving = this.#clock.after(Math.max(0, endMs - this.#clock.monotonicMs()), () => {
      this.#cancelLeaving = null;
      const gone = this.#users.expire(this.#clock.monotonicMs(), goneAtOnce);
      this.#tellSoon();
      this.#watchLeaving();
      this.#wentOffline(gone);
    });
  }

  #wentOffline(gone: readonly WentOffline[]): void {
    for (const { userId, atUs } of gone) this.#listener.wentOffline(userId, atUs);
  }
}

const nobody: PresenceListener = {
  listensTo: () => false,
  isLate: () => false,
  told() {},
  wentOffline() {},
};
