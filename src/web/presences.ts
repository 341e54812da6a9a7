import type { Clock } from "../core/ports/clock.ts";
import type { Online, Presence, PresenceDiff, PresenceStatus } from "../core/ports/presence.ts";
import type { Joining, Position } from "../phoenix/channel.ts";
import type { Sockets } from "../phoenix/sockets.ts";
import type { Lateness } from "./lateness.ts";
import type { Session } from "./session.ts";
import { presenceDiffText, presencesText } from "./views/presence.ts";

/** As long as diffs are gathered. */
const windowMs = 300;
const socketsAtOnce = 1_000;
/** The most users that one socket is told of again at once. */
const mostAgain = 5_000;
/** The part of the greatest lateness from which on presence waits, as typing goes. */
const shedAt = 0.5;

/** Where every diff stands: the state at the end of a join covers all that was told during it. */
const told: Position = { stream: "presence", at: Number.POSITIVE_INFINITY };

/** One socket on its topics. */
interface Attendance {
  isOnUser: boolean;
  /** By conversation, the one that was joined last at the end. Null: none yet. */
  joinings: Map<string, Joining<Session>> | null;
}

export interface PresencesOptions {
  readonly presence: Presence;
  readonly sockets: Pick<Sockets<Session>, "broadcast" | "hasListeners">;
  readonly lateness: Pick<Lateness, "exceeds">;
  readonly clock: Clock;
  /** Nobody sees the user as online from this time on. */
  readonly wentOffline: (userId: string, atUs: number) => void;
}

/**
 * Who is online, from the sockets of this node and to them. A user is while one of his sockets is on any topic; he is told of on the topics of
 * his conversations, and each state and diff is about the members of its topic alone, which is what a stock client keeps for each channel.
 *
 * The existing mobile client keeps one set for all of them and replaces it by every `presence_state`. A state of everybody whom the socket may
 * see would serve it, and would be wrong in every channel of a stock client and of the size of all conversations for each of them. Instead,
 * once its joins are over for a moment, a socket is told again of those whom the last state left out, each once, as joins on a topic that he is in:
 * true there, and to a stock client nothing new.
 */
export class Presences {
  readonly #presence: Presence;
  readonly #sockets: Pick<Sockets<Session>, "broadcast" | "hasListeners">;
  readonly #lateness: Pick<Lateness, "exceeds">;
  readonly #clock: Clock;
  readonly #attendances = new Map<Session, Attendance>();
  /** Those who were given a state that replaced others. */
  readonly #replaced = new Set<Attendance>();
  #cancel: (() => void) | null = null;

  constructor({ presence, sockets, lateness, clock, wentOffline }: PresencesOptions) {
    this.#presence = presence;
    this.#sockets = sockets;
    this.#lateness = lateness;
    this.#clock = clock;
    presence.subscribe({
      listensTo: (conversationId) => sockets.hasListeners(`conversation:${conversationId}`),
      isLate: () => this.#isLate(),
      told: (diff) => this.#tell(diff),
      wentOffline,
    });
  }

  /** The socket is on its user's topic; these are his conversations. */
  joinedUser(session: Session, conversationIds: Iterable<string>): void {
    this.#attend(session).isOnUser = true;
    this.#presence.presentIn(session.userId, conversationIds);
  }

  leftUser(session: Session): void {
    const attendance = this.#attendances.get(session);
    if (!attendance) return;
    attendance.isOnUser = false;
    this.#endIfOver(session, attendance);
  }

  /** The socket is on the conversation's topic, and told now who of the conversation is online. */
  joinedConversation(joining: Joining<Session>, conversationId: string): void {
    const session = joining.identity;
    const attendance = this.#attend(session);
    attendance.joinings ??= new Map();
    attendance.joinings.delete(conversationId);
    attendance.joinings.set(conversationId, joining);
    this.#presence.presentIn(session.userId, [conversationId]);
    this.#pushState(joining, this.#presence.onlineIn(conversationId));
    if (attendance.joinings.size > 1) this.#repairSoon(attendance);
  }

  leftConversation(session: Session, conversationId: string): void {
    const attendance = this.#attendances.get(session);
    if (!attendance?.joinings?.delete(conversationId)) return;
    this.#endIfOver(session, attendance);
  }

  /** Whoever is online among the members is shown there, and nobody else. */
  membersChanged(conversationId: string, members: ReadonlyMap<string, unknown>): void {
    this.#presence.keepOnly(conversationId, (userId) => members.has(userId));
    this.created(conversationId, members.keys());
  }

  created(conversationId: string, memberIds: Iterable<string>): void {
    for (const userId of memberIds) this.#presence.presentIn(userId, [conversationId]);
  }

  setStatus({ userId }: Session, status: PresenceStatus): void {
    this.#presence.setStatus(userId, status);
  }

  /** Whether the state that a join ends with tells of it. */
  covers({ stream }: Position): boolean {
    return stream === told.stream;
  }

  /** When no socket is left. */
  stop(): void {
    this.#cancel?.();
    this.#presence.stop();
  }

  #attend(session: Session): Attendance {
    const known = this.#attendances.get(session);
    if (known) return known;
    const attendance: Attendance = { isOnUser: false, joinings: null };
    this.#attendances.set(session, attendance);
    this.#presence.arrived(session.userId);
    return attendance;
  }

  #endIfOver(session: Session, attendance: Attendance): void {
    if (attendance.isOnUser || (attendance.joinings?.size ?? 0) > 0) return;
    this.#attendances.delete(session);
    this.#replaced.delete(attendance);
    this.#presence.departed(session.userId);
  }

  /** A client that knows a user by the same ref already takes his status from a diff, and not from a state. */
  #pushState(joining: Joining<Session>, users: readonly Online[]): void {
    joining.push("presence_state", presencesText(users));
    const revised = users.filter(({ isRevised }) => isRevised);
    if (revised.length > 0) joining.push("presence_diff", presenceDiffText(revised, []));
  }

  #tell({ conversationId, joins, leaves }: PresenceDiff): void {
    const topic = `conversation:${conversationId}`;
    if (!this.#sockets.hasListeners(topic)) return;
    this.#sockets.broadcast(topic, "presence_diff", presenceDiffText(joins, leaves), told);
  }

  #isLate(): boolean {
    return this.#lateness.exceeds(shedAt);
  }

  #repairSoon(attendance: Attendance): void {
    this.#replaced.add(attendance);
    this.#cancel ??= this.#clock.after(windowMs, () => {
      this.#cancel = null;
      if (!this.#isLate()) this.#repairSome();
      for (const each of this.#replaced) return this.#repairSoon(each);
    });
  }

  #repairSome(): void {
    let left = socketsAtOnce;
    for (const attendance of this.#replaced) {
      if (left-- === 0) return;
      this.#replaced.delete(attendance);
      this.#tellAgain([...(attendance.joinings ?? [])].reverse());
    }
  }

  /** From the last state on, whom it and what was said since left out. */
  #tellAgain([last, ...others]: readonly (readonly [string, Joining<Session>])[]): void {
    if (!last) return;
    const known = new Set(this.#presence.onlineIn(last[0]).map(({ userId }) => userId));
    const most = known.size + mostAgain;
    for (const [conversationId, joining] of others) {
      const unknown = this.#presence.onlineIn(conversationId).filter(({ userId }) => !known.has(userId));
      if (unknown.length === 0) continue;
      if (known.size + unknown.length > most) return;
      for (const { userId } of unknown) known.add(userId);
      joining.push("presence_diff", presenceDiffText(unknown, []));
    }
  }
}
