import type { Rejection } from "../rejection.ts";
import { reject } from "../rejection.ts";
import type { Conversation } from "./conversation.ts";
import { maxGroupMembers } from "./members.ts";

/** Makes, or finds, the one direct conversation of two users. Not a turn of an actor: it creates what an actor would own. */
export interface CreateDirect {
  readonly type: "create_direct";
  /** The id that the conversation gets when it does not exist yet. */
  readonly id: string;
  readonly creatorId: string;
  readonly otherUserId: string;
  /** Users who do not know each other are asked whether they accept. Absent: no. */
  readonly asksFirst?: boolean;
  readonly atUs: number;
}

/** Makes a group of its creator, who owns it, and the others. */
export interface CreateGroup {
  readonly type: "create_group";
  /** The id of the group. If a group with this id exists, the command creates nothing. */
  readonly id: string;
  readonly creatorId: string;
  /** Each once, without the creator. At least one. */
  readonly otherUserIds: readonly string[];
  /** JSON text of an object; holds the name. */
  readonly metadata: string;
  /** Users who do not know each other are asked whether they accept. Absent: no. */
  readonly asksFirst?: boolean;
  readonly atUs: number;
}

/** Whether a group is not, or no longer, as the command would create it. */
export function differsFromGroup(command: CreateGroup, { members, metadata }: Conversation): boolean {
  const asked = new Set([command.creatorId, ...command.otherUserIds]);
  const isSameMembers = members.length === asked.size && members.every(({ userId }) => asked.has(userId));
  return !isSameMembers || metadata !== command.metadata;
}

export type CreateConversation = CreateDirect | CreateGroup;

export function checkCreateGroup({ otherUserIds }: CreateGroup): Rejection | null {
  if (otherUserIds.length < 1) return tooFew;
  return otherUserIds.length < maxGroupMembers ? null : tooMany;
}

const tooFew = reject("invalid_payload", "A group needs at least one other member.", {
  details: { user_ids: "must name at least one other user" },
});
const tooMany = reject("invalid_payload", `A group has at most ${maxGroupMembers} members.`, {
  details: { user_ids: `must be at most ${maxGroupMembers} with you` },
});

export function checkCreateDirect(command: CreateDirect): Rejection | null {
  if (command.creatorId !== command.otherUserId) return null;
  return reject(
    "invalid_payload",
    "A direct conversation needs two different users; other_user_id is yourself.",
    {
      details: { other_user_id: "must not be your own id" },
    },
  );
}

/** Returns the pair in the order of the ids, so that it is the same for both users. */
export function pairOf(command: CreateDirect): { readonly low: string; readonly high: string } {
  const { creatorId, otherUserId } = command;
  return creatorId < otherUserId
    ? { low: creatorId, high: otherUserId }
    : { low: otherUserId, high: creatorId };
}
