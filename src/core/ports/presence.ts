/** What a user says of himself. Who says `offline` looks as if he were, with open sockets. */
export type PresenceStatus = "online" | "away" | "busy" | "offline";

/** A user as others see him while he is online, on however many devices. Another object after every change. */
export interface Online {
  readonly userId: string;
  /** Names the time from his first connection to the end of his last one; stays when his status changes. */
  readonly ref: string;
  readonly sinceUs: number;
  readonly status: Exclude<PresenceStatus, "offline">;
  /** His status is another one than that with which he was told of first. */
  readonly isRevised: boolean;
}

/**
 * A diff of at most so many users is sent user by user: there are clients that read only the first user of each diff (Dart's phoenix_socket
 * before 1.0). A larger one is sent as a whole.
 */
export const sentOneByOne = 20;

/** What changed in a conversation since it was told last. Nobody is in both. */
export interface PresenceDiff {
  readonly conversationId: string;
  /** Also those whose status changed. */
  readonly joins: readonly Online[];
  /** As they were told of. */
  readonly leaves: readonly Online[];
}

/** What a node wants to hear. */
export interface PresenceListener {
  /** Whether somebody on this node listens to the conversation: else nothing is kept to be told. */
  listensTo(conversationId: string): boolean;
  /** More important things wait: what there is to tell goes on being gathered. Asked once for each time of telling. */
  isLate(): boolean;
  told(diff: PresenceDiff): void;
  /** Nobody sees him as online from this time on. */
  wentOffline(userId: string, atUs: number): void;
}

/**
 * Who is online: a user is while at least one of his sockets is on a topic, and two seconds longer, in which a reconnect goes unnoticed. He is seen
 * in the conversations that he is known to be a member of. Diffs are gathered for about 300 ms per conversation. A hint, like
 * everything that is pushed: nothing of it is stored.
 *
 * Synchronous and from memory: an implementation that shares it between nodes keeps what its listeners see behind this, and what it learns
 * later comes as a diff. Bounded by the sockets and topics of the node; beyond a bound somebody is not shown.
 */
export interface Presence {
  /** A socket of the user joined its first topic. Balanced by `departed`, when it is on none any more. */
  arrived(userId: string): void;
  departed(userId: string): void;
  /** They show in these conversations while they are online. Idempotent. */
  presentIn(userId: string, conversationIds: Iterable<string>): void;
  /** As `presentIn`, for a conversation whose topic one of their sockets has joined: it takes precedence over those they were added to. */
  opened(userId: string, conversationId: string): void;
  /** The others show there no longer. */
  keepOnly(conversationId: string, isShown: (userId: string) => boolean): void;
  /** Whether the user is online and shows there. */
  isIn(userId: string, conversationId: string): boolean;
  setStatus(userId: string, status: PresenceStatus): void;
  /** Those shown in the conversation, as its listeners were told: what happened since then comes with the next diff. */
  onlineIn(conversationId: string): readonly Online[];
  isOnline(userId: string): boolean;
  /** Users with sockets on this node. */
  readonly size: number;
  /** One listener per node. */
  subscribe(listener: PresenceListener): void;
  /** All of this node's users are gone at once, and nothing is told any more but that they went offline. */
  stop(): void;
}
