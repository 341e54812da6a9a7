import type { MemberRecord } from "./conversation.ts";

/**
 * A membership began, ended or changed: `member` is the whole of it. Blocked users do not receive `member_blocked`: to them the conversation
 * looks as it looks to a stranger.
 */
export interface MemberChanged {
  readonly type:
    | "member_added"
    | "member_removed"
    | "member_role_changed"
    | "member_blocked"
    | "member_unblocked"
    /** A member whom others had added wrote, reacted or accepted. Not pushed as a change of members: others see the same list as before. */
    | "member_took_part"
    | "request_accepted"
    | "request_declined";
  readonly conversationId: string;
  readonly rev: number;
  readonly actorId: string;
  readonly atUs: number;
  readonly member: MemberRecord;
}
