import type { MemberRecord } from "./conversation.ts";

/** A membership began, ended or became another one: `member` is the whole of it. */
export interface MemberChanged {
  readonly type: "member_added" | "member_removed" | "member_role_changed";
  readonly conversationId: string;
  readonly rev: number;
  readonly actorId: string;
  readonly atUs: number;
  readonly member: MemberRecord;
}
