import type { Member } from "../conversations/conversation.ts";
import type { Event } from "../events.ts";
import type { MarkedMessage, MarkMoved, StatusChange } from "../messages/marks.ts";
import type { Apart } from "../presence/visibility.ts";
import type { OwnChange } from "../private/own-change.ts";

/** All events of one command, stored, on their way to the listeners. */
export interface ChangeFrame {
  readonly type: "changes";
  readonly conversationId: string;
  readonly rev: number;
  /** The revision of the last change of members. */
  readonly membersRev: number;
  /** The members at this revision. Null: this frame comes from another node and did not change them: they are those of `membersRev`. */
  readonly members: ReadonlyMap<string, Member> | null;
  readonly events: readonly Event[];
}

/** A conversation was made; what it is can be read. */
export interface CreatedFrame {
  readonly type: "created";
  readonly conversationId: string;
  readonly creatorId: string;
  readonly otherIds: readonly string[];
  /** Those among the others who are asked whether they accept. */
  readonly askedIds: readonly string[];
}

/** From now on there is a block between two users, or none any more. */
export interface ApartFrame extends Apart {
  readonly type: "apart";
}

/** Marks moved: absolute, the latest wins. */
export interface MarksFrame {
  readonly type: "marks";
  readonly conversationId: string;
  readonly atUs: number;
  readonly moved: readonly MarkMoved[];
  /** The newest that they moved over, newest first. */
  readonly messages: readonly MarkedMessage[];
  readonly statuses: readonly StatusChange[];
  /** Messages after this one are seen by every present member. */
  readonly lastJoinedSeq: number;
}

/** A change of one user's private state, for their own devices. */
export interface OwnFrame {
  readonly type: "own";
  readonly userId: string;
  readonly ownRev: number;
  readonly conversationId: string;
  readonly change: OwnChange;
}

/** A member types, or has ended. Stored nowhere. */
export interface TypingFrame {
  readonly type: "typing";
  readonly conversationId: string;
  readonly userId: string;
  readonly isTyping: boolean;
}

export type ConversationFrame = ChangeFrame | CreatedFrame | MarksFrame | OwnFrame | TypingFrame;

/** Everything pushed can be lost; the log is the truth. */
export type Frame = ConversationFrame | ApartFrame;

/** What frames are published on: a conversation, or a user. */
export type TopicKind = "conversation" | "user";

/** A node's subscription to a topic. */
export interface Subscription {
  /** Null: this node hears everything, also after the release. Else resolves when what is published from then on will arrive; never rejects. */
  readonly confirmed: Promise<void> | null;
  /** Once. What is published afterwards need not arrive. */
  release(): void;
}

/**
 * Carries frames from the nodes that publish them to those that listen. A node hears what it publishes itself, at once, and what others
 * publish on topics that it has subscribed: each at most once, also when it is published on several of them; those of one conversation that
 * one node publishes in the order of publication. So nobody asks for what happens in this node's own shards, and in one process nothing is
 * asked for at all.
 */
export interface PubSub {
  /** Never waits and never throws. */
  publish(frame: Frame): void;
  /** Sets the one listener of this node. What is published before is lost. */
  listen(listener: (frame: Frame) => void): void;
  /**
   * Asks for what other nodes publish on a topic, until it is released. A topic may be subscribed several times; each subscription is released
   * by itself. What was published before it is confirmed is to be read from the store.
   */
  subscribe(kind: TopicKind, id: string): Subscription;
}
