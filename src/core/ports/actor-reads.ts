import type { Contact } from "../conversations/contact.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import type { MessageRef } from "../facts.ts";
import type { Message } from "../messages/message.ts";
import type { KeyUse, SendKey } from "../messages/send-key.ts";
import type { Change } from "./commit.ts";

export interface KeyLookup extends SendKey {
  readonly conversationId: string;
  readonly senderId: string;
}

/** A use of a key by a sender of a conversation. */
export interface SentKey extends KeyUse {
  readonly senderId: string;
  readonly clientRandom: number;
}

/** A conversation as its actor begins with it. */
export interface LoadedConversation {
  readonly state: ConversationState;
  /** The newest uses of send keys, the newest last. */
  readonly keyUses: readonly SentKey[];
}

/** A message by its id, in the conversation that the caller names. */
export interface TargetLookup extends MessageRef {
  /** Only a message that this user sees, as a present member of its conversation. Null: any. */
  readonly viewerId: string | null;
}

/** Asks for the contacts between a user and those whom they add to a conversation. */
export interface ContactsLookup {
  readonly conversationId: string;
  readonly adderId: string;
  readonly userIds: readonly string[];
  /** Whether `isKnown` is needed. Finding it is expensive. */
  readonly asksFirst: boolean;
}

/** A message by its id, on behalf of a user, who may not see it. */
export interface SeenTargetLookup extends MessageRef {
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

/**
 * Reads for the engine itself: no viewer, so no authorization. Each call is one query, for any number of requests and any messages.
 * Results are in the order of the requests unless said otherwise. All throw `StoreUnavailable`.
 */
export interface ActorReads {
  /** Returns what actors start from. Conversations that do not exist are absent; order is undefined. */
  loadConversations(ids: readonly string[]): Promise<readonly LoadedConversation[]>;
  /**
   * Returns the keys that stored messages hold, as they are stored: under the device of the lookup, or `untagged`, or both. Free keys are
   * absent; order is undefined.
   */
  findKeys(lookups: readonly KeyLookup[]): Promise<readonly (KeyLookup & KeyUse)[]>;
  /**
   * Returns each message, with all its reactions. Null: it is not stored in the named conversation, or its viewer may not see it. What a viewer
   * may not see is not quoted either.
   */
  findTargets(lookups: readonly TargetLookup[]): Promise<readonly (Message | null)[]>;
  /** Returns the `seq` of each message. Null: it is not stored in that conversation, or the user may not see it. */
  findSeqs(lookups: readonly SeenTargetLookup[]): Promise<readonly (number | null)[]>;
  /** Returns the revision that created each message. Null: no such message. */
  findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]>;
  /** Returns whether each user is a present member. */
  areMembers(lookups: readonly MembershipLookup[]): Promise<readonly boolean[]>;
  /** Returns the contacts of each lookup in the order of its users. `isKnown` is false where the lookup does not need it. */
  findContacts(lookups: readonly ContactsLookup[]): Promise<readonly (readonly Contact[])[]>;
  /** Returns the metadata of each conversation, the JSON text of an object. Null: no such conversation. */
  readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]>;
  /** Returns whether each change is stored under its conversation and rev, exactly as it was decided. */
  findStored(changes: readonly Change[]): Promise<readonly boolean[]>;
  /** Returns each message. Null: no such message. */
  readMessages(places: readonly MessagePlace[]): Promise<readonly (Message | null)[]>;
}
