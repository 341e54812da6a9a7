/**
 * Metadata as JSON text, without parsing what is in it: a value that is not replaced stays as it is, digit for digit. The texts were made by
 * `JSON.stringify`: no space between tokens, and one spelling per key.
 */

/** Members of `patch` stand in the place of those of the same name, or follow. */
export function mergedMetadata(metadata: string, patch: string): string {
  const members = new Map([...membersOf(metadata), ...membersOf(patch)]);
  return `{${[...members].map(([key, value]) => `${key}:${value}`).join()}}`;
}

/** The top level of an object: keys and values as they are written. */
function membersOf(object: string): readonly (readonly [string, string])[] {
  const members: (readonly [string, string])[] = [];
  let at = 1;
  while (at < object.length - 1) {
    const colon = endOfString(object, at);
    const end = endOfValue(object, colon + 1);
    members.push([object.slice(at, colon), object.slice(colon + 1, end)]);
    at = end + 1;
  }
  return members;
}

/** The first place after the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** The comma or brace that follows the value. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  for (;;) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (depth === 0 && (character === "," || character === "}")) return at;
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    at++;
  }
}
