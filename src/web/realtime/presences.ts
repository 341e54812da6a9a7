import type { Member } from "../../core/conversations/conversation.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Online, Presence, PresenceDiff, PresenceStatus } from "../../core/ports/presence.ts";
import type { CreatedFrame } from "../../core/ports/pubsub.ts";
import type { JoinFacts } from "../../core/ports/sync-reads.ts";
import type { Apart, Visibility } from "../../core/presence/visibility.ts";
import { presenceDiff } from "../../operations/pushes/presence.ts";
import { conversationTopic } from "../../operations/topics/topics.ts";
import { presenceDiffTexts } from "../../operations/views/presence.ts";
import type { Joining } from "../../phoenix/channel.ts";
import type { Sockets } from "../../phoenix/sockets.ts";
import type { Admission } from "../http/admission.ts";
import type { EventLoopLag } from "../http/event-loop-lag.ts";
import { PresenceFeed } from "./presence-feed.ts";
import type { Session } from "./session.ts";

/** The time for which diffs are gathered. Milliseconds. */
const windowMs = 300;
/** The most users that all sockets together are told of in one turn, beside the diffs. */
const usersInTurn = 20_000;
/** The part of the greatest lateness from which on presence waits, as typing goes. */
const shedAt = 0.5;
/**
 * The longest that presence waits while sockets arrive faster than they are admitted. When all members of a group come back at once, each of them tells all
 * others: one diff after the last of them is as much as each state and diff in between. Milliseconds.
 */
const longestPatienceMs = 3_000;

/** What a join of a user's topic has read. */
export interface JoinedUserPresence {
  readonly conversations: readonly (Pick<Member, "pending"> & { readonly conversationId: string })[];
  readonly apartIds: readonly string[];
}

export interface PresencesOptions {
  readonly presence: Presence;
  readonly sockets: Pick<Sockets<Session>, "broadcastNow" | "hasListeners" | "pushEachNow">;
  /** Decides who sees whom. */
  readonly visibility: Visibility;
  readonly lateness: Pick<EventLoopLag, "exceeds">;
  readonly admission: Pick<Admission, "isCrowded">;
  readonly clock: Clock;
  /** Nobody sees the user as online from this time on. */
  readonly wentOffline: (userId: string, atUs: number) => void;
}

/**
 * Reports who is online, from the sockets of this node and to them. A user is online while any of their sockets is on a topic. They show on the
 * topics of their conversations. Each state and diff is about the members of its topic alone, which is what a stock client keeps per channel.
 *
 * The existing mobile client keeps one set for all of them and replaces it by every `presence_state`. A state of everybody whom the socket may
 * see would serve it, and would be wrong in every channel of a stock client, and of the size of all conversations for each of them. Instead,
 * once its joins are over for a moment, a socket gets the users whom the last state left out again, each once, as joins on a topic where they
 * show: true there, and to a stock client nothing new.
 */
export class Presences {
  readonly #presence: Presence;
  readonly #sockets: Pick<Sockets<Session>, "broadcastNow" | "hasListeners" | "pushEachNow">;
  readonly #visibility: Visibility;
  readonly #lateness: Pick<EventLoopLag, "exceeds">;
  readonly #admission: Pick<Admission, "isCrowded">;
  readonly #clock: Clock;
  readonly #feeds = new Map<Session, PresenceFeed>();
  /** Those that joined a conversation in this window, or have more to be told. */
  readonly #due = new Set<PresenceFeed>();
  #cancel: (() => void) | null = null;
  /** Since when it waits for arrivals; null: it does not. */
  #patientSinceMs: number | null = null;

  constructor({ presence, sockets, visibility, lateness, admission, clock, wentOffline }: PresencesOptions) {
    this.#presence = presence;
    this.#sockets = sockets;
    this.#visibility = visibility;
    this.#lateness = lateness;
    this.#admission = admission;
    this.#clock = clock;
    presence.subscribe({
      listensTo: (conversationId) => sockets.hasListeners(conversationTopic(conversationId)),
      isLate: () => this.#isLate(),
      told: (diff) => this.#tell(diff),
      wentOffline,
    });
  }

  /** The socket is on its user's topic; these are the conversations of the user, with what was read of each. */
  joinedUser(session: Session, { conversations, apartIds }: JoinedUserPresence): void {
    this.#learn(session, apartIds);
    this.#feedOf(session).isOnUser = true;
    const shown = conversations.filter((each) => this.#visibility.shows(each));
    this.#presence.presentIn(
      session.userId,
      shown.map(({ conversationId }) => conversationId),
    );
  }

  leftUser(session: Session): void {
    const feed = this.#feeds.get(session);
    if (!feed) return;
    feed.isOnUser = false;
    this.#endIfOver(session, feed);
  }

  /** The socket is on the conversation's topic, and told now who of the conversation is online. */
  joinedConversation(
    joining: Joining<Session>,
    { conversationId, membership, apartIds }: Pick<JoinFacts, "conversationId" | "membership" | "apartIds">,
  ): void {
    const { identity } = joining;
    this.#learn(identity, apartIds);
    const feed = this.#feedOf(identity);
    const isShown = membership !== null && this.#visibility.shows(membership);
    if (isShown) this.#presence.opened(identity.userId, conversationId);
    feed.joined(conversationId, joining, isShown);
    this.#due.add(feed);
    this.#tellSoon();
  }

  leftConversation(session: Session, conversationId: string): void {
    const feed = this.#feeds.get(session);
    if (feed?.left(conversationId)) this.#endIfOver(session, feed);
  }

  /** These are members, and nobody else is. */
  membersChanged(
    conversationId: string,
    members: ReadonlyMap<string, Pick<Member, "userId" | "pending">>,
  ): void {
    const isShown = (userId: string) => {
      const member = members.get(userId);
      return member !== undefined && this.#visibility.shows(member);
    };
    this.#presence.keepOnly(conversationId, isShown);
    this.#showThose(conversationId, members.values());
  }

  /** A conversation was made with these members. */
  created({ conversationId, creatorId, otherIds, askedIds }: CreatedFrame): void {
    const asked = new Set(askedIds);
    const others = otherIds.map((userId) => {
      return { userId, pending: asked.has(userId) ? "request" : "added" } as const;
    });
    this.#showThose(conversationId, [{ userId: creatorId }, ...others]);
  }

  #showThose(conversationId: string, members: Iterable<Pick<Member, "userId" | "pending">>): void {
    const place = [conversationId];
    for (const member of members)
      if (this.#visibility.shows(member)) this.#presence.presentIn(member.userId, place);
  }

  /** Whether the user of a socket on the topic shows there: only then others learn that they type. */
  shows(session: Session, conversationId: string): boolean {
    if (this.#feeds.get(session)?.wasShownIn(conversationId)) return true;
    return this.#presence.isIn(session.userId, conversationId);
  }

  /** There is a block between two users from now on, or none any more: each vanishes for the other, or is back. */
  apartChanged(apart: Apart): void {
    const { lowId, highId, isApart } = apart;
    const { blocked } = this.#visibility;
    const wasApart = blocked.areApart(lowId, highId);
    blocked.changed(apart, this.#clock.monotonicMs());
    if (wasApart === isApart) return;
    if (!this.#presence.isOnline(lowId) && !this.#presence.isOnline(highId)) return;
    for (const [{ userId }, feed] of this.#feeds) {
      if (userId === lowId) feed.change(highId, isApart);
      if (userId === highId) feed.change(lowId, isApart);
    }
  }

  setStatus({ userId }: Session, status: PresenceStatus): void {
    this.#presence.setStatus(userId, status);
  }

  /** When no socket is left. */
  stop(): void {
    this.#cancel?.();
    this.#presence.stop();
  }

  #feedOf(session: Session): PresenceFeed {
    const known = this.#feeds.get(session);
    if (known) return known;
    const hidden = () => this.#visibility.blocked.of(session.userId);
    const feed = new PresenceFeed({ presence: this.#presence, hidden });
    this.#feeds.set(session, feed);
    this.#presence.arrived(session.userId);
    return feed;
  }

  #endIfOver(session: Session, feed: PresenceFeed): void {
    if (!feed.isOver) return;
    this.#feeds.delete(session);
    this.#due.delete(feed);
    this.#presence.departed(session.userId);
  }

  /** The state that a join ends with tells of all that was told during it. */
  #tell({ conversationId, joins, leaves }: PresenceDiff): void {
    const topic = conversationTopic(conversationId);
    if (!this.#sockets.hasListeners(topic)) return;
    const { blocked } = this.#visibility;
    const users = [...joins, ...leaves];
    const all = presenceDiffTexts(joins, leaves);
    if (users.every(({ userId }) => blocked.of(userId).size === 0)) {
      for (const diff of all) this.#sockets.broadcastNow(topic, presenceDiff.names[0], diff);
      return;
    }
    this.#sockets.pushEachNow(topic, presenceDiff.names[0], (viewer) => {
      const hidden = blocked.of(viewer.userId);
      if (hidden.size === 0) return all;
      const isSeen = ({ userId }: Online) => !hidden.has(userId);
      return users.every(isSeen) ? all : presenceDiffTexts(joins.filter(isSeen), leaves.filter(isSeen));
    });
  }

  #learn({ userId }: Session, apartIds: readonly string[]): void {
    this.#visibility.blocked.learn(userId, apartIds, this.#clock.monotonicMs());
  }

  #isLate(): boolean {
    return this.#lateness.exceeds(shedAt) || this.#waitsForArrivals();
  }

  #waitsForArrivals(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#patientSinceMs = this.#admission.isCrowded ? (this.#patientSinceMs ?? nowMs) : null;
    return this.#patientSinceMs !== null && nowMs - this.#patientSinceMs < longestPatienceMs;
  }

  #tellSoon(): void {
    if (this.#cancel || this.#due.size === 0) return;
    this.#cancel = this.#clock.after(windowMs, () => {
      this.#cancel = null;
      try {
        if (!this.#isLate()) this.#tellDue();
      } finally {
        this.#tellSoon();
      }
    });
  }

  /** Each in its turn: who has more to be told goes to the end. */
  #tellDue(): void {
    let left = usersInTurn;
    for (const feed of [...this.#due]) {
      if (left <= 0) return;
      // Before it is told: one that fails is not in the way of the others at the next turn.
      this.#due.delete(feed);
      left -= feed.tell();
      if (!feed.isTold) this.#due.add(feed);
    }
  }
}
