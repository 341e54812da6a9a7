import type { CreateDirect, CreateGroup } from "../conversations/create.ts";

/** `by_creator` also when both have blocked: what the other one did is not the creator's to know. */
export type CreatedDirect =
  | (CreatedOnce & { readonly conversationId: string })
  | { readonly type: "blocked"; readonly by: "creator" | "other" };

/** Names the users. `creator`: the users whom the creator has blocked, also when others have blocked the creator. */
export type CreatedGroup =
  | CreatedOnce
  | { readonly type: "blocked"; readonly by: "creator" | "others"; readonly userIds: readonly string[] };

interface CreatedOnce {
  readonly type: "exists";
  readonly created: boolean;
  /** Members of a new one who are asked whether they accept. */
  readonly askedIds: readonly string[];
}

export interface ConversationCreation {
  /**
   * One conversation per pair, also when both create it at once. `created` is false when it existed. None where one of the two has blocked the
   * other: also when both happens at once, neither passes the other. Throws `StoreUnavailable`.
   */
  createDirect(command: CreateDirect): Promise<CreatedDirect>;
  /**
   * With its members and head, in one statement. `created` is false when there is one of this id already. None where the creator and one of
   * the others have blocked each other, as exactly as for direct conversations. Throws `StoreUnavailable`.
   */
  createGroup(command: CreateGroup): Promise<CreatedGroup>;
}
