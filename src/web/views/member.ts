import type { Member, MemberRecord } from "../../core/conversations/conversation.ts";
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

function memberFields({ userId, role, joinedAtUs }: Member): string {
  return `"user_id":"${userId}","role":"${role}","joined_at":"${instantText(joinedAtUs)}"`;
}
