/**
 * The rule of a field, which refusals quote ("must be at most 255 characters"), as a sentence of a document ("At most 255 characters.").
 * A whole sentence stays as it is.
 */
export function sentence(rule: string): string {
  const text = rule.replace(/^must be /, "");
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
