import { audiences, groupSettingsNames, permissionNames } from "../../core/conversations/permissions.ts";
import type { Rejection } from "../../core/rejection.ts";
import { isRawNumber } from "../../phoenix/exact-json.ts";
import { refusedField } from "./refused-field.ts";

type Allowed = readonly (string | boolean)[];

/** What a group's settings may hold, by name: contract/rest.md 1.3. What has no meaning here is the client's own. */
const allowed = new Map<string, Allowed>([
  ...permissionNames.map((name): [string, Allowed] => [name, audiences]),
  ["moderation_level", ["light", "medium", "strict"]],
  ["content_filter_enabled", [true, false]],
  ["join_approval_required", [true, false]],
]);

/** Settings that would not have the effect that they name are refused, rather than kept without one. */
export function groupSettingsProblem(metadata: object): Rejection | null {
  for (const name of groupSettingsNames) {
    if (!Object.hasOwn(metadata, name)) continue;
    const problem = problemOf(`metadata.${name}`, (metadata as Readonly<Record<string, unknown>>)[name]);
    if (problem) return problem;
  }
  return null;
}

function problemOf(place: string, settings: unknown): Rejection | null {
  if (settings === null) return null;
  if (typeof settings !== "object" || Array.isArray(settings) || isRawNumber(settings)) {
    return refusedField(place, "must be an object, or null for the defaults");
  }
  for (const [name, value] of Object.entries(settings)) {
    const values = allowed.get(name);
    if (values && !values.some((each) => each === value))
      return refusedField(`${place}.${name}`, `must be one of ${values.join(", ")}`);
  }
  return null;
}
