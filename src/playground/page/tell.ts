import type { Conversation } from "./conversation.ts";
import {
  type Permission,
  type PermissionName,
  permissionIn,
  permissionLabels,
  permissions,
} from "./group-settings.ts";
import type { People } from "./people.ts";
import type { BareConversation, Member, MembersPush, Role } from "./wire.ts";

export interface Viewer {
  readonly people: People;
  readonly userId: string;
}

/** What happened to a conversation's members, as a sentence. */
export function tellMembers(
  conversation: Conversation,
  { event, actor_id, user_id, user_ids, member }: MembersPush,
  viewer: Viewer,
): string {
  const actor = capital(nameTo(viewer, actor_id));
  const name = nameTo(viewer, user_id);
  const others = (user_ids?.length ?? 1) - 1;
  // The two of a direct conversation do not come and go: one blocks the other.
  if (conversation.type === "direct")
    return `${actor} ${event === "member_added" ? "unblocked" : "blocked"} ${name}`;
  switch (event) {
    case "member_added":
      return `${actor} added ${others > 0 ? `${name} and ${others} more` : name}`;
    case "member_removed":
      return `${actor} removed ${name}`;
    case "member_left":
      return `${capital(name)} left`;
    case "member_role_updated":
      return tellRole(viewer, user_id, member.role);
  }
}

/** What a difference says of a member: not who did it, nor whether somebody left or was removed. Null: nothing that is seen. */
export function tellMemberChange(before: Member | undefined, after: Member, viewer: Viewer): string | null {
  const name = capital(nameTo(viewer, after.user_id));
  const verb = after.user_id === viewer.userId ? "are" : "is";
  if (!before) return after.is_active ? `${name} joined` : null;
  if (!after.is_active) return `${name} ${verb} no longer a member`;
  return before.role === after.role ? null : tellRole(viewer, after.user_id, after.role);
}

/** Returns one line per visible change, with its author where that is known. Empty: no visible change. */
export function tellSettings(
  before: Conversation,
  { metadata, is_active }: BareConversation,
  actor: string | null,
): readonly string[] {
  const told: string[] = [];
  const what = before.type === "group" ? "group" : "conversation";
  const name = typeof metadata.name === "string" ? metadata.name : null;
  if (name !== before.name) {
    const called = name ? `“${name}”` : "nothing any more";
    told.push(actor ? `${actor} renamed the ${what} to ${called}` : `The ${what} is now called ${called}`);
  }
  for (const each of Object.keys(permissions) as PermissionName[]) {
    const [was, is] = [permissionIn(before.metadata, each), permissionIn(metadata, each)];
    if (was !== is) told.push(tellPermission(each, is, actor));
  }
  if (before.isActive && !is_active)
    told.push(actor ? `${actor} closed the ${what}` : `The ${what} was closed`);
  if (told.length > 0 || same(before.metadata, metadata)) return told;
  const keys = changedKeys(before.metadata, metadata).join(", ");
  return [
    actor ? `${actor} changed the ${what}’s settings: ${keys}` : `The ${what}’s settings changed: ${keys}`,
  ];
}

function tellPermission(name: PermissionName, value: Permission, actor: string | null): string {
  const who = permissionLabels[value].toLowerCase();
  const what = permissions[name].label.toLowerCase();
  const rule = `${who} may ${what}`;
  return actor ? `${actor} changed the rules: ${rule}` : `New rule: ${rule}`;
}

function tellRole(viewer: Viewer, userId: string, role: Role): string {
  const name = capital(nameTo(viewer, userId));
  const verb = userId === viewer.userId ? "are" : "is";
  return `${name} ${verb} now ${roleWithArticle(role)}`;
}

export function nameTo({ people, userId }: Viewer, id: string): string {
  return id === userId ? "you" : people.nameOf(id);
}

function changedKeys(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !same(before[key], after[key]));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** There is one owner, and any number of the others. */
function roleWithArticle(role: Role): string {
  if (role === "owner") return "the owner";
  return `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
