import type { Contact } from "../conversations/contact.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import type { Message } from "../messages/message.ts";
import type { KeyUse } from "../messages/recent-keys.ts";
import type { SendKey } from "../messages/send-key.ts";
import type { Change } from "./commit.ts";

export interface KeyLookup extends SendKey {
  readonly conversationId: string;
  readonly senderId: string;
}

/** A message by its id, where it is said to be. */
export interface TargetLookup {
  readonly conversationId: string;
  readonly messageId: string;
}

/** Asks for the contacts between a user and those whom they add to a conversation. */
export interface ContactsLookup {
  readonly conversationId: string;
  readonly adderId: string;
  readonly userIds: readonly string[];
  /** Whether `isKnown` is needed: it is costly to find. */
  readonly asksFirst: boolean;
}

/** A `TargetLookup` of a user, who may not see the message. */
export interface SeenTargetLookup extends TargetLookup {
  readonly userId: string;
}

export interface MembershipLookup {
  readonly conversationId: string;
  readonly userId: string;
}

export interface MessagePlace {
  readonly conversationId: string;
  readonly seq: number;
}

/** Reads for the engine itself; they throw `StoreUnavailable`. */
export interface ActorReads {
  /** In one query; conversations that do not exist are absent from the answer. */
  loadConversations(ids: readonly string[]): Promise<readonly ConversationState[]>;
  /**
   * Which of the keys are held by a stored message, as they are stored: under the device asked for, or `untagged`, or both; absent: free. In
   * one query.
   */
  findKeys(questions: readonly KeyLookup[]): Promise<readonly (KeyLookup & KeyUse)[]>;
  /** Those that are stored in the conversation named with them, with all their reactions. In one query. */
  findTargets(questions: readonly TargetLookup[]): Promise<readonly Message[]>;
  /**
   * Where they are, in the order asked; null: not stored in that conversation, or not the user's to see. In one query, whatever the messages
   * hold.
   */
  findSeqs(questions: readonly SeenTargetLookup[]): Promise<readonly (number | null)[]>;
  /** The revisions that created these messages, in the order asked; null: no such message. In one query, whatever the messages hold. */
  findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]>;
  /** Whether each is a present member, in the order asked. In one query. */
  areMembers(questions: readonly MembershipLookup[]): Promise<readonly boolean[]>;
  /** In the order asked, each in the order of its users. `isKnown` is false where it was not asked. In one query. */
  findContacts(questions: readonly ContactsLookup[]): Promise<readonly (readonly Contact[])[]>;
  /** JSON texts of objects, in the order asked; null: no such conversation. In one query. */
  readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]>;
  /** Which of these changes are stored, by conversation and rev, as they were decided. In one query. */
  findStored(changes: readonly Change[]): Promise<readonly boolean[]>;
  /** In the order asked, null for what does not exist. In one query. */
  readMessages(asked: readonly MessagePlace[]): Promise<readonly (Message | null)[]>;
}
