import { server } from "../access.ts";
import type { Decision } from "../decision.ts";
import { reject } from "../rejection.ts";
import type { Rule } from "../rule.ts";
import type { ConversationState, Member } from "./conversation.ts";
import type { MemberChanged } from "./member-changed.ts";

/** One of the two of a direct conversation. */
export interface BlockedSide {
  readonly userId: string;
  /** The membership as it is, or was until the block. Null: its row is missing, so that there is nothing to give back. */
  readonly member: Member | null;
  /** They ended the membership themselves: unblocking does not restore it. Absent: no. */
  readonly hasDeclined?: boolean;
  /** The other one has blocked this one. */
  readonly isBlocked: boolean;
}

/**
 * Makes the members of a direct conversation follow the blocks between its two users: a blocked user is no member of it until they are
 * unblocked. Only the server issues it: no request of a client becomes one.
 */
export interface ApplyBlocks {
  readonly type: "apply_blocks";
  readonly id: string;
  readonly conversationId: string;
  /** Either of the two users. No right is checked. */
  readonly senderId: string;
  readonly sides: readonly [BlockedSide, BlockedSide];
}

/** Changes nothing if the block state is already applied. */
export function decideApplyBlocks(state: ConversationState, command: ApplyBlocks, nowUs: number): Decision {
  const [one, other] = command.sides;
  const events = [applied(state, one, other, nowUs), applied(state, other, one, nowUs)];
  return { type: "decided", events: events.filter((event) => event !== null) };
}

function applied(
  state: ConversationState,
  side: BlockedSide,
  other: BlockedSide,
  nowUs: number,
): MemberChanged | null {
  const present = state.members.get(side.userId);
  if (side.isBlocked !== (present !== undefined)) return null;
  const rev = state.rev + 1;
  const changed = { conversationId: state.id, rev, actorId: other.userId, atUs: nowUs };
  if (present) {
    const member = { ...present, rev, leftSeq: state.seq, leftAtUs: nowUs };
    return { type: "member_blocked", ...changed, member };
  }
  if (!side.member || side.hasDeclined) return null;
  const member = { ...side.member, joinedRev: rev, rev, leftSeq: null, leftAtUs: null };
  return { type: "member_unblocked", ...changed, member };
}

/** Refuses users who begin a direct conversation with somebody they have blocked, or write in one that the other user is not in. */
export const youBlocked = reject(
  "forbidden",
  "You have blocked the other user of this conversation, or they have declined it, so that nobody can write in it. If you have blocked them, unblock them to write again.",
);

/** To a blocked user, the user who blocked them does not exist. */
export const noSuchUser = reject("not_found", "There is no such user.");

export const applyBlocksRule: Rule<ApplyBlocks> = {
  allows: server,
  isOfServer: true,
  decide: (state, command, { nowUs }) => decideApplyBlocks(state, command, nowUs),
};
