import { members } from "../access.ts";
import type { Decision } from "../decision.ts";
import type { Event } from "../events.ts";
import { reject } from "../rejection.ts";
import type { Rule } from "../rule.ts";
import type { ConversationState, Member, Membership } from "./conversation.ts";
import type { MemberChanged } from "./member-changed.ts";
import { memberRemoved } from "./members.ts";

/** A member who was added or asked by others chooses to be in the conversation. */
export interface AcceptConversation {
  readonly type: "accept_conversation";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
}

/** A member who was asked leaves for good: nobody can add them again until they allow it. */
export interface DeclineConversation {
  readonly type: "decline_conversation";
  readonly id: string;
  readonly conversationId: string;
  readonly senderId: string;
}

/** 2250-01-01T00:00:00Z, close to the latest instant that can be stored. Microseconds. */
export const forGoodUs = 8_835_955_200_000_000;

/** Accepting again changes nothing. */
export function decideAccept(
  state: ConversationState,
  { senderId }: AcceptConversation,
  nowUs: number,
): Decision {
  const member = state.members.get(senderId)!;
  return { type: "decided", events: member.pending ? [accepted(state, member, nowUs)] : [] };
}

export function decideDecline(
  state: ConversationState,
  { senderId }: DeclineConversation,
  nowUs: number,
): Decision {
  const member = state.members.get(senderId)!;
  if (member.pending !== "request") return nothingToDecline;
  const removed = memberRemoved(state, member, senderId, nowUs);
  const declined: MemberChanged = {
    ...removed,
    type: "request_declined",
    member: { ...removed.member, staysOutUntilUs: forGoodUs },
  };
  return { type: "decided", events: [declined] };
}

/**
 * Accepts the conversation for members who do something that others see, in the same revision. Returns the decision as it is when the member
 * has accepted before, or when the command itself ends or changes their membership.
 */
export function acceptedByActing(
  state: ConversationState,
  membership: Membership,
  decision: Decision,
  { senderId }: { readonly senderId: string },
  nowUs: number,
): Decision {
  if (!membership?.pending || decision.type !== "decided" || decision.events.length === 0) return decision;
  const isChanged = (event: Event) => "member" in event && event.member.userId === senderId;
  if (decision.events.some(isChanged)) return decision;
  const member = state.members.get(senderId)!;
  return { type: "decided", events: [...decision.events, accepted(state, member, nowUs)] };
}

function accepted(state: ConversationState, member: Member, nowUs: number): MemberChanged {
  const rev = state.rev + 1;
  return {
    type: member.pending === "request" ? "request_accepted" : "member_took_part",
    conversationId: state.id,
    rev,
    actorId: member.userId,
    atUs: nowUs,
    member: { ...member, pending: undefined, rev, leftSeq: null, leftAtUs: null },
  };
}

const nothingToDecline = reject(
  "conflict",
  "There is no request to decline here. To go, leave the conversation.",
);

export const acceptRule: Rule<AcceptConversation> = {
  allows: members,
  decide: (state, command, { nowUs }) => decideAccept(state, command, nowUs),
};

export const declineRule: Rule<DeclineConversation> = {
  allows: members,
  decide: (state, command, { nowUs }) => decideDecline(state, command, nowUs),
};
