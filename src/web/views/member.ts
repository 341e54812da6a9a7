import type { Member, MemberRecord } from "../../core/conversations/conversation.ts";
import type { MemberChanged } from "../../core/conversations/members.ts";
import { instantText } from "./instant.ts";

/** A present member. */
export function memberText(member: Member): string {
  return `{${memberFields(member)},"is_active":true}`;
}

export function memberTexts(members: readonly Member[]): string {
  return `[${members.map(memberText).join()}]`;
}

/** A membership with the revision of its last change and, if it is over, its end. */
export function memberRecordText(record: MemberRecord): string {
  const isActive = record.leftSeq === null;
  const leftAt = record.leftAtUs === null ? "null" : `"${instantText(record.leftAtUs)}"`;
  return `{${memberFields(record)},"is_active":${isActive},"rev":${record.rev},"left_at":${leftAt}}`;
}

/** The push of a change of members. */
export function memberEventText(event: MemberChanged): string {
  const { conversationId, rev, actorId, member } = event;
  return (
    `{"conversation_id":"${conversationId}","rev":${rev},"event":"${eventName(event)}",` +
    `"user_id":"${member.userId}","actor_id":"${actorId}","role":"${member.role}",` +
    `"member":${memberRecordText(member)}}`
  );
}

/** Who removes himself leaves. */
function eventName({ type, actorId, member }: MemberChanged): string {
  switch (type) {
    case "member_added":
      return "member_added";
    case "member_removed":
      return actorId === member.userId ? "member_left" : "member_removed";
    case "member_role_changed":
      return "member_role_updated";
  }
}

function memberFields({ userId, role, joinedAtUs }: Member): string {
  return `"user_id":"${userId}","role":"${role}","joined_at":"${instantText(joinedAtUs)}"`;
}
