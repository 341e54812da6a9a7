import type { Online, Presence } from "../../core/ports/presence.ts";
import { presenceDiff, presenceState } from "../../operations/pushes/presence.ts";
import { presenceDiffTexts } from "../../operations/views/presence.ts";
import type { Joining } from "../../phoenix/channel.ts";
import type { Session } from "./session.ts";

/** The most users sent to one socket in one window, apart from diffs: about 130 to 230 kB, a quarter of what may wait for a slow reader. */
export const usersAtOnce = 1_000;

/** The users whom a client with one set for all topics has lost to the last state. */
interface Again {
  readonly known: Set<string>;
  /** Still to be looked through. */
  readonly conversationIds: string[];
}

/**
 * One socket on its topics, and the presence that is sent to it alone. A state that is too much for the window or the socket is sent empty, and
 * the users whom it leaves out come as joins in a later window. After its states, the socket gets the users whom the last state left out again,
 * each once, on a topic where they show.
 */
export class PresenceFeed {
  readonly #presence: Pick<Presence, "onlineIn">;
  /** Returns the users whom this socket must not see. */
  readonly #hidden: () => ReadonlySet<string>;
  isOnUser = false;
  /** By conversation, the one that was joined last at the end. Null: none yet. */
  #joinings: Map<string, Joining<Session>> | null = null;
  /** The users who may still be sent in this window. */
  #allowed = usersAtOnce;
  /** Conversations of which the state was left out. */
  readonly #cut = new Set<string>();
  /** Conversations that the user had not chosen to be in when they were joined; null: none. */
  #unshown: Set<string> | null = null;
  #again: Again | null = null;
  #isReplaced = false;

  constructor(options: {
    readonly presence: Pick<Presence, "onlineIn">;
    readonly hidden: () => ReadonlySet<string>;
  }) {
    this.#presence = options.presence;
    this.#hidden = options.hidden;
  }

  /** The socket is on no topic. */
  get isOver(): boolean {
    return !this.isOnUser && (this.#joinings?.size ?? 0) === 0;
  }

  get isTold(): boolean {
    return this.#cut.size === 0 && !this.#again && !this.#isReplaced;
  }

  /** Whether the user had chosen to be in the conversation when this socket joined it. */
  wasShownIn(conversationId: string): boolean {
    return !this.#unshown?.has(conversationId);
  }

  joined(conversationId: string, joining: Joining<Session>, isShown: boolean): void {
    if (isShown) this.#unshown?.delete(conversationId);
    else this.#unshown = (this.#unshown ?? new Set()).add(conversationId);
    this.#joinings ??= new Map();
    this.#joinings.delete(conversationId);
    this.#joinings.set(conversationId, joining);
    this.#isReplaced = this.#joinings.size > 1;
    this.#again = null;
    const users = this.#seenIn(conversationId);
    if (joining.hasRoom && this.#allows(users)) return this.#pushState(joining, users);
    this.#cut.add(conversationId);
    this.#pushState(joining, []);
  }

  left(conversationId: string): boolean {
    this.#unshown?.delete(conversationId);
    this.#cut.delete(conversationId);
    return this.#joinings?.delete(conversationId) ?? false;
  }

  /** Hides a user from this socket, or shows them again: a diff on each topic where they are online. */
  change(userId: string, isHidden: boolean): void {
    for (const [conversationId, joining] of this.#joinings ?? []) {
      const users = this.#presence.onlineIn(conversationId).filter((user) => user.userId === userId);
      if (users.length === 0) continue;
      joining.push(
        presenceDiff.names[0],
        isHidden ? presenceDiff.encode([], users) : presenceDiff.encode(users, []),
      );
    }
  }

  #seenIn(conversationId: string): readonly Online[] {
    const users = this.#presence.onlineIn(conversationId);
    const hidden = this.#hidden();
    return hidden.size === 0 ? users : users.filter(({ userId }) => !hidden.has(userId));
  }

  /** Another window: what it allows of what is to be told, nothing while the socket has no room. Returns the number of users. */
  tell(): number {
    if (!this.#hasRoom) return 0;
    this.#allowed = usersAtOnce;
    this.#tellCut();
    if (this.#cut.size === 0) this.#tellAgain();
    return usersAtOnce - this.#allowed;
  }

  /** Whether the socket has room: each of its topics knows it. */
  get #hasRoom(): boolean {
    for (const { hasRoom } of this.#joinings?.values() ?? []) return hasRoom;
    return true;
  }

  /** A whole window bears the largest conversation. */
  #allows(users: readonly Online[]): boolean {
    return users.length <= this.#allowed || this.#allowed === usersAtOnce;
  }

  /** A client that knows a user by the same ref already takes their status from a diff, and not from a state. */
  #pushState(joining: Joining<Session>, users: readonly Online[]): void {
    this.#allowed -= users.length;
    joining.push(presenceState.names[0], presenceState.encode(users));
    pushJoins(
      joining,
      users.filter(({ isRevised }) => isRevised),
    );
  }

  #tellCut(): void {
    for (const conversationId of this.#cut) {
      const users = this.#seenIn(conversationId);
      if (!this.#allows(users)) return;
      this.#cut.delete(conversationId);
      this.#pushJoins(conversationId, users);
    }
  }

  #tellAgain(): void {
    if (this.#isReplaced) this.#again = this.#wholeAgain();
    this.#isReplaced = false;
    while (this.#again && this.#allowed > 0) {
      const { known, conversationIds } = this.#again;
      const conversationId = conversationIds.pop();
      if (conversationId === undefined) this.#again = null;
      else this.#pushUnknown(conversationId, known);
    }
  }

  #wholeAgain(): Again {
    const conversationIds = [...(this.#joinings?.keys() ?? [])];
    const last = conversationIds.pop();
    const stated = last === undefined ? [] : this.#seenIn(last);
    return { known: new Set(stated.map(({ userId }) => userId)), conversationIds };
  }

  /** Sends one diff for all: clients with one set read all of it, and the others know these users already. */
  #pushUnknown(conversationId: string, known: Set<string>): void {
    const users = this.#seenIn(conversationId).filter(({ userId }) => !known.has(userId));
    for (const { userId } of users) known.add(userId);
    if (users.length === 0) return;
    this.#allowed -= users.length;
    this.#joinings?.get(conversationId)?.push(presenceDiff.names[0], presenceDiff.encode(users, []));
  }

  #pushJoins(conversationId: string, users: readonly Online[]): void {
    if (users.length === 0) return;
    this.#allowed -= users.length;
    const joining = this.#joinings?.get(conversationId);
    if (joining) pushJoins(joining, users);
  }
}

function pushJoins(joining: Joining<Session>, users: readonly Online[]): void {
  for (const diff of presenceDiffTexts(users, [])) joining.push(presenceDiff.names[0], diff);
}
