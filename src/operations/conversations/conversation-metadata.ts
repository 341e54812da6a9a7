import { isRejection, type Rejection } from "../../core/rejection.ts";
import { visibleTextProblem } from "../../core/visible-text.ts";
import { metadataText } from "../opaque.ts";
import { refusedField } from "../refused-field.ts";
import { groupSettingsProblem } from "./group-settings.ts";

/** Characters as people count them: code points. */
const maxNameCharacters = 100;
export const nameAllowed = `must be a text of 1 to ${maxNameCharacters} characters, at least one of them visible`;

export interface NamedMetadata {
  /** JSON text of an object, with the name in it. */
  readonly text: string;
  readonly hasName: boolean;
}

/** The name is kept in the metadata, where clients look for it; the one beside it wins over the one within. */
export function namedMetadata(
  given: { readonly name?: string | null; readonly metadata?: object | null },
  maxBytes: number,
): NamedMetadata | Rejection {
  const { metadata = {}, name = null } = given;
  const checked = metadataText(metadata ?? {}, maxBytes);
  if (isRejection(checked)) return checked;
  const whole = name === null ? { ...metadata } : { ...metadata, name };
  const hasName = Object.hasOwn(whole, "name");
  const wrongName = hasName ? nameProblem((whole as { readonly name: unknown }).name) : null;
  if (wrongName) return refusedField("name", wrongName);
  const problem = groupSettingsProblem(whole);
  if (problem) return problem;
  const text = metadataText(whole, maxBytes);
  return isRejection(text) ? text : { text, hasName };
}

function nameProblem(name: unknown): string | null {
  if (typeof name !== "string" || name === "" || isLongerThan(name, maxNameCharacters)) return nameAllowed;
  return visibleTextProblem(name);
}

/** A code point is at most two UTF-16 units, so long texts need no counting. */
function isLongerThan(text: string, characters: number): boolean {
  return text.length > 2 * characters || [...text].length > characters;
}
