import { audiences, permissionNames } from "../../core/conversations/permissions.ts";
import { nearestName } from "../../core/nearest-name.ts";
import type { Rejection } from "../../core/rejection.ts";
import { isRawNumber } from "../../phoenix/exact-json.ts";
import { refusedField } from "../refused-field.ts";

/**
 * The settings of groups that clients know and that nothing here enforces: why, and the values that are true all the
 * same. Any other value is refused, so that nobody relies on it.
 */
const unavailable: ReadonlyMap<string, { readonly because: string; readonly values: readonly unknown[] }> =
  new Map([
    ["moderation_level", { because: "this server moderates no content", values: [] }],
    ["content_filter_enabled", { because: "this server filters no content", values: [false] }],
    ["join_approval_required", { because: "nobody asks to join, members add members", values: [false] }],
  ]);

const knownNames: readonly string[] = [...permissionNames, ...unavailable.keys()];
const place = "metadata.group_settings";
const maxNameLength = 64;
/** Metadata may have thousands of names, each of which is looked up here. */
const knownByPlainName: ReadonlyMap<string, string> = new Map(
  knownNames.map((name) => [withoutForm(name), name]),
);

/**
 * Refuses settings that would not have the effect that they name: unknown names and values, and settings outside of
 * `metadata.group_settings`. Each of them may be null, which gives it its default again.
 */
export function groupSettingsProblem(metadata: object): Rejection | null {
  for (const [name, value] of Object.entries(metadata)) {
    const problem = name === "group_settings" ? settingsProblem(value) : misplacedProblem(name);
    if (problem) return problem;
  }
  return null;
}

/** In any spelling: `groupSettings`, `message_permission` beside `group_settings`. */
function misplacedProblem(name: string): Rejection | null {
  const plain = withoutForm(name);
  if (plain === "groupsettings") return refusedField(`metadata.${name}`, `must be named ${place}`);
  const setting = knownByPlainName.get(plain);
  return setting
    ? refusedField(`metadata.${name}`, `is a setting of groups, and must be ${place}.${setting}`)
    : null;
}

/** Only short names can be one of the known names. */
function withoutForm(name: string): string {
  return name
    .slice(0, maxNameLength)
    .replaceAll(/[^a-z]/gi, "")
    .toLowerCase();
}

function settingsProblem(settings: unknown): Rejection | null {
  if (settings === null) return null;
  if (typeof settings !== "object" || Array.isArray(settings) || isRawNumber(settings))
    return refusedField(place, "must be an object, or null for the defaults");
  for (const [name, value] of Object.entries(settings)) {
    const problem = settingProblem(name, value);
    if (problem) return refusedField(`${place}.${shortName(name)}`, problem);
  }
  return null;
}

function settingProblem(name: string, value: unknown): string | null {
  if (!knownNames.includes(name)) return unknownName(shortName(name));
  if (value === null) return null;
  const missing = unavailable.get(name);
  if (!missing)
    return audiences.some((audience) => audience === value)
      ? null
      : `must be one of ${audiences.join(", ")}, or null for the default`;
  const { because, values } = missing;
  if (values.includes(value)) return null;
  return `is not available, ${because}; must be ${[...values, "left out"].join(", or ")}`;
}

function unknownName(name: string): string {
  const near = nearestName(name, permissionNames);
  const hint = near ? `; did you mean ${near}?` : ";";
  return `is not a setting of groups${hint} allowed are ${permissionNames.join(", ")}`;
}

function shortName(name: string): string {
  return name.slice(0, maxNameLength).toWellFormed();
}
