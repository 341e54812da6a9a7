import { Type } from "@sinclair/typebox";
import type { Member, MemberRecord } from "../../core/conversations/conversation.ts";
import { roles } from "../../core/conversations/conversation.ts";
import type { SeenMember } from "../../core/ports/viewer-reads.ts";
import { instantText } from "./instant.ts";
import { closed, instant, nullable, oneOf, revField, userIdField } from "./schemas.ts";

/** A present member. */
export function memberText(member: Member): string {
  return `{${memberFields(member)},"is_active":true}`;
}

export function memberTexts(members: readonly Member[]): string {
  return `[${members.map(memberText).join()}]`;
}

/** Returns whether a member is online; null: the viewer may see neither that nor when they were last online. */
export type IsOnline = (member: SeenMember) => boolean | null;

/** Present members with when they were last online: null for those who are online or never were, and where the viewer may see neither. */
export function seenMemberTexts(members: readonly SeenMember[], isOnline: IsOnline): string {
  return `[${members.map((member) => seenMemberText(member, isOnline(member))).join()}]`;
}

function seenMemberText(member: SeenMember, isOnline: boolean | null): string {
  const { lastSeenAtUs } = member;
  const lastSeen = isOnline !== false || lastSeenAtUs === null ? "null" : `"${instantText(lastSeenAtUs)}"`;
  return `{${memberFields(member)},"is_active":true,"is_online":${isOnline === true},"last_seen_at":${lastSeen}}`;
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

const memberProperties = {
  user_id: userIdField,
  role: oneOf(roles, "What they may do in the group."),
  joined_at: instant("When their membership began."),
};

export const memberSchema = closed(
  { ...memberProperties, is_active: Type.Boolean() },
  { $id: "Member", description: "A present member." },
);

export const seenMemberSchema = closed(
  {
    ...memberProperties,
    is_active: Type.Boolean(),
    is_online: Type.Boolean({ description: "False also where the viewer may not see it." }),
    last_seen_at: nullable(
      instant("When they were last online."),
      "Null for users who are online, never were, or whom the viewer may not see.",
    ),
  },
  { $id: "SeenMember", description: "A present member as the viewer sees them." },
);

export const memberRecordSchema = closed(
  {
    ...memberProperties,
    is_active: Type.Boolean(),
    rev: revField,
    left_at: nullable(instant("When it ended."), "Null while it lasts."),
  },
  { $id: "MemberRecord", description: "A membership, also one that has ended." },
);
