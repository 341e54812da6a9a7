import type { Json } from "./named-schemas.ts";

/**
 * The rule of a field, which refusals quote ("must be at most 255 characters"), as a sentence of a document ("At most 255 characters.").
 * What is a sentence already stays as it is.
 */
export function sentence(rule: string): string {
  const text = rule.replace(/^must be /, "");
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** These say what the type says already. */
const plainRules = new Set(["must be a string", "must be an object", "must be true or false"]);

/** What a field means, and its rule. */
export function described(about: string | undefined, rule: string | undefined): Json {
  const told = rule === undefined || (about !== undefined && plainRules.has(rule)) ? [] : [sentence(rule)];
  const description = [...(about === undefined ? [] : [about]), ...told].join(" ");
  return description === "" ? {} : { description };
}
