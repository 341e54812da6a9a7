/** Who may do something in a group. */
export const audiences = ["all_members", "moderators_plus", "admins_only"] as const;
export type Audience = (typeof audiences)[number];

/** Where a group says who may do what: `metadata.group_settings` (docs/app.md, "Groups"). */
export interface Permissions {
  readonly message_permission: Audience;
  readonly media_permission: Audience;
  readonly mention_permission: Audience;
  readonly add_members_permission: Audience;
}

export const defaultPermissions: Permissions = {
  message_permission: "all_members",
  media_permission: "all_members",
  mention_permission: "all_members",
  add_members_permission: "admins_only",
};

export const permissionNames = Object.keys(defaultPermissions) as readonly (keyof Permissions)[];

/** The names under which settings may be stored; the first one that is there counts. The second one was accepted until 0.3. */
const groupSettingsNames = ["group_settings", "groupSettings"] as const;

/**
 * Returns what the metadata says. A missing name and a value that is no audience mean the default, as they did in 0.3, which stored names
 * that nothing enforces: what is loaded must neither lock anybody out nor open what was closed. Parses only where there are settings.
 */
export function permissionsOf(metadata: string): Permissions {
  if (!groupSettingsNames.some((name) => metadata.includes(`"${name}"`))) return defaultPermissions;
  const whole = JSON.parse(metadata) as Readonly<Record<string, unknown>>;
  const name = groupSettingsNames.find((each) => Object.hasOwn(whole, each));
  const given = name === undefined ? null : whole[name];
  if (typeof given !== "object" || given === null) return defaultPermissions;
  const said = Object.entries(given).filter(([key, value]) => isPermission(key) && isAudience(value));
  return { ...defaultPermissions, ...Object.fromEntries(said) };
}

function isAudience(value: unknown): value is Audience {
  return audiences.some((audience) => audience === value);
}

function isPermission(name: string): name is keyof Permissions {
  return Object.hasOwn(defaultPermissions, name);
}
