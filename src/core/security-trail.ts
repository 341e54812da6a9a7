import type { Command } from "./commands.ts";
import type { MemberChanged } from "./conversations/member-changed.ts";
import type { Event } from "./events.ts";
import type { SecurityEvent } from "./incidents.ts";

/** A line of the security log: ids and names of the source, nothing that people wrote. */
export interface SecurityNote {
  readonly event: SecurityEvent;
  readonly fields: Readonly<Record<string, string>>;
}

const groupSetting = /^group_settings\.(\w+)$/;

/** Returns the line of the security log for a stored change; null: it has none, as sent messages. */
export function securityNoteOf(command: Command, event: Event): SecurityNote | null {
  switch (event.type) {
    case "member_removed":
      return event.actorId === event.member.userId ? null : ofMember("member_removed", event);
    case "member_role_changed":
      return ofMember(event.member.role === "owner" ? "group_owner_changed" : "member_role_changed", event, {
        role: event.member.role,
      });
    case "member_blocked":
      return ofMember("block_applied", event);
    case "member_unblocked":
      return ofMember("block_lifted", event);
    case "message_deleted":
      return event.message.senderId === command.senderId
        ? null
        : noteOf("message_deleted_by_moderator", event, command.senderId, {
            user_id: event.message.senderId,
            message_id: event.message.id,
          });
    case "conversation_changed":
      return settingsNote(event, command.senderId);
    default:
      return null;
  }
}

function settingsNote(
  event: Event & { readonly type: "conversation_changed" },
  actorId: string,
): SecurityNote | null {
  const names = event.change?.names.flatMap((name) => groupSetting.exec(name)?.[1] ?? []) ?? [];
  if (names.length === 0) return null;
  return noteOf("group_settings_changed", event, actorId, { names: names.join(", ") });
}

function ofMember(
  event: SecurityEvent,
  changed: MemberChanged,
  more: SecurityNote["fields"] = {},
): SecurityNote {
  return noteOf(event, changed, changed.actorId, { user_id: changed.member.userId, ...more });
}

function noteOf(
  event: SecurityEvent,
  { conversationId }: Event,
  actorId: string,
  more: SecurityNote["fields"],
): SecurityNote {
  return { event, fields: { conversation_id: conversationId, actor_id: actorId, ...more } };
}
