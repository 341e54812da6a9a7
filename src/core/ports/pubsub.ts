import type { Member } from "../conversations/conversation.ts";
import type { Event } from "../events.ts";
import type { MarkedMessage, MarkMoved, StatusChange } from "../messages/marks.ts";
import type { Apart } from "../presence/visibility.ts";
import type { OwnChange } from "../private/own-change.ts";

/** All events of one command, stored, on their way to whoever listens. */
export interface ChangeFrame {
  readonly type: "changes";
  readonly conversationId: string;
  readonly rev: number;
  readonly membersRev: number;
  /** The members at this revision. */
  readonly members: ReadonlyMap<string, Member>;
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

/**
 * Carries frames from owners to the nodes that have listeners. At most once; frames of one conversation published by one
 * owner arrive in the order of publication. `publish` never waits and never throws.
 */
export interface PubSub {
  publish(frame: Frame): void;
  /** One listener per node. */
  subscribe(listener: (frame: Frame) => void): void;
}
