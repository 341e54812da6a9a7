import type { Metadata, Role } from "./wire.ts";

export type Permission = "all_members" | "moderators_plus" | "admins_only";

/** Who may do what in a group; kept in `metadata.group_settings` and enforced by the server. */
export const permissions = {
  message_permission: { label: "Write messages", fallback: "all_members" },
  media_permission: { label: "Share media", fallback: "all_members" },
  add_members_permission: { label: "Add members", fallback: "admins_only" },
} as const;

export type PermissionName = keyof typeof permissions;

export const permissionLabels: Readonly<Record<Permission, string>> = {
  all_members: "Everybody",
  moderators_plus: "Moderators and up",
  admins_only: "Admins",
};

const ranks: Readonly<Record<Role, number>> = { owner: 3, admin: 2, moderator: 1, member: 0 };
const leastRank: Readonly<Record<Permission, number>> = {
  all_members: 0,
  moderators_plus: 1,
  admins_only: 2,
};

export function permissionIn(metadata: Metadata, name: PermissionName): Permission {
  const { group_settings } = metadata as { readonly group_settings?: Readonly<Record<string, Permission>> };
  return group_settings?.[name] ?? permissions[name].fallback;
}

/** A change of one setting: the server merges settings name by name. */
export function onePermission(name: PermissionName, value: Permission): Metadata {
  return { group_settings: { [name]: value } };
}

export function mayAs(role: Role, metadata: Metadata, name: PermissionName): boolean {
  return ranks[role] >= leastRank[permissionIn(metadata, name)];
}

export function administrates(role: Role): boolean {
  return ranks[role] >= ranks.admin;
}

export function moderates(role: Role): boolean {
  return ranks[role] >= ranks.moderator;
}

export function outranks(one: Role, other: Role): boolean {
  return ranks[one] > ranks[other];
}
