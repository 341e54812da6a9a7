import type { CreateDirect, CreateGroup } from "../conversations/create.ts";

/** `by` is `creator` also when both have blocked: the creator must not learn what the other one did. */
export type CreatedDirect =
  | (CreatedOnce & { readonly conversationId: string })
  | { readonly type: "blocked"; readonly by: "creator" | "other" };

/** `by` is `creator` with the users whom the creator has blocked, also when others have blocked the creator. */
export type CreatedGroup =
  | CreatedOnce
  | { readonly type: "blocked"; readonly by: "creator" | "others"; readonly userIds: readonly string[] };

interface CreatedOnce {
  readonly type: "exists";
  readonly created: boolean;
  /** The members of a new conversation who have to accept it first. */
  readonly askedIds: readonly string[];
}

/** Creates conversations, each in one statement. All throw `StoreUnavailable`. */
export interface ConversationCreation {
  /**
   * Creates the one direct conversation of a pair, also when both create it at once. `created` is false when it existed. Creates nothing when
   * one of the two has blocked the other: a block and a creation at the same time are put in order, neither passes the other.
   */
  createDirect(command: CreateDirect): Promise<CreatedDirect>;
  /**
   * Creates a group with its members and head. `created` is false when there already is one with this id. Creates nothing when the creator has
   * blocked another member or is blocked by one, as strictly as for direct conversations.
   */
  createGroup(command: CreateGroup): Promise<CreatedGroup>;
}
