import { Type } from "@sinclair/typebox";
import { roles } from "../../core/conversations/conversation.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { memberRecordSchema, memberRecordText } from "../views/member.ts";
import { closed, conversationIdField, id, oneOf, revField, userIdField } from "../views/schemas.ts";
import { everyTopic, push } from "./push.ts";

/** Members whom one command changed alike. */
export type MembersChanged = readonly [MemberChanged, ...MemberChanged[]];

const events = ["member_added", "member_removed", "member_left", "member_role_updated"] as const;

export const membersUpdated = push({
  names: ["conversation_members_updated"],
  topics: everyTopic,
  summary: "Tells that members were added or removed, left or have another role.",
  description: "Removed members get it on their own topics.",
  payload: closed({
    conversation_id: conversationIdField,
    rev: revField,
    event: oneOf(events),
    user_id: userIdField,
    user_ids: Type.Optional(
      Type.Array(id(), { description: "All of them, where one command changed several alike." }),
    ),
    actor_id: id("Who did it."),
    role: oneOf(roles),
    member: memberRecordSchema,
  }),
  /** `user_ids` names all members if there are several. `member` is the record of the first; those of the others are alike. */
  encode: (changed: MembersChanged) => {
    const [event] = changed;
    const { conversationId, rev, actorId, member } = event;
    const ids = changed.map(({ member: { userId } }) => `"${userId}"`);
    return (
      `{"conversation_id":"${conversationId}","rev":${rev},"event":"${eventOf(event)}",` +
      `"user_id":"${member.userId}",${ids.length > 1 ? `"user_ids":[${ids.join()}],` : ""}` +
      `"actor_id":"${actorId}","role":"${member.role}","member":${memberRecordText(member)}}`
    );
  },
});

/** Users who remove themselves leave. */
function eventOf({ type, actorId, member }: MemberChanged): (typeof events)[number] {
  switch (type) {
    case "member_added":
    case "member_unblocked":
      return "member_added";
    case "member_blocked":
      return "member_removed";
    case "member_removed":
    case "request_declined":
      return actorId === member.userId ? "member_left" : "member_removed";
    case "member_role_changed":
    case "member_took_part":
    case "request_accepted":
      return "member_role_updated";
  }
}
