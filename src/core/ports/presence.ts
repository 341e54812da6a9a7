/** The status that a user sets. Users who set `offline` look as if they were, with open sockets. */
export type PresenceStatus = "online" | "away" | "busy" | "offline";

/** A user as others see them while they are online, on any number of devices. Another object after every change. */
export interface Online {
  readonly userId: string;
  /** Names the time from their first connection to the end of their last one. Stays when their status changes. */
  readonly ref: string;
  readonly sinceUs: number;
  readonly status: Exclude<PresenceStatus, "offline">;
  /** Their status has changed since they were first reported. */
  readonly isRevised: boolean;
}

/**
 * A diff of at most so many users is sent user by user: there are clients that read only the first user of each diff (Dart's phoenix_socket
 * before 1.0). A larger one is sent as a whole.
 */
export const sentOneByOne = 20;

/** The changes of presence in a conversation since the last diff. Nobody is in both lists. */
export interface PresenceDiff {
  readonly conversationId: string;
  /** Also those whose status changed. */
  readonly joins: readonly Online[];
  /** As they were reported last. */
  readonly leaves: readonly Online[];
}

/** Receives the presence of a node. */
export interface PresenceListener {
  /** Whether a socket of this node listens to the conversation. If none does, no diff is kept for it. */
  listensTo(conversationId: string): boolean;
  /** More important work waits: diffs go on being gathered. Asked once each time that diffs are due. */
  isLate(): boolean;
  told(diff: PresenceDiff): void;
  /** Nobody sees them as online from this time on. */
  wentOffline(userId: string, atUs: number): void;
}

/**
 * Knows who is online. A user is online while at least one of their sockets has joined a topic, and two seconds longer, so that nobody
 * notices a reconnect. They show in the conversations that they are known to be a member of. Diffs are gathered for about 300 ms per
 * conversation. Presence is a hint, like everything that is pushed: nothing of it is stored.
 *
 * Synchronous and from memory: an implementation that shares it between nodes keeps what its listeners see behind this, and what it learns
 * later comes as a diff. Bounded by the sockets and topics of the node; beyond a bound some users are not shown.
 */
export interface Presence {
  /** A socket of the user joined its first topic. Balanced by `departed`, when it is on none any more. */
  arrived(userId: string): void;
  departed(userId: string): void;
  /** They show in these conversations while they are online. Idempotent. */
  presentIn(userId: string, conversationIds: Iterable<string>): void;
  /** As `presentIn`, for a conversation whose topic one of their sockets has joined: it takes precedence over those they were added to. */
  opened(userId: string, conversationId: string): void;
  /** The other users no longer show there. */
  keepOnly(conversationId: string, isShown: (userId: string) => boolean): void;
  /** Whether the user is online and shows there. */
  isIn(userId: string, conversationId: string): boolean;
  setStatus(userId: string, status: PresenceStatus): void;
  /** Returns the users who show in the conversation, as last reported to its listeners. Later changes come with the next diff. */
  onlineIn(conversationId: string): readonly Online[];
  isOnline(userId: string): boolean;
  /** Users with sockets on this node. */
  readonly size: number;
  /** One listener per node. */
  subscribe(listener: PresenceListener): void;
  /** Ends the presence of all users of this node at once. Reports that they went offline, and nothing after that. */
  stop(): void;
}
