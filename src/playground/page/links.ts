/** A part of a text that leads somewhere. */
export interface Link {
  readonly text: string;
  readonly href: string;
}

/** Invisible characters and those that turn the direction of writing: an address with one would not be what it looks like. */
const unseen = "\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff";
const candidate = new RegExp(
  `(?:https?:\\/\\/|mailto:|www\\.)[^\\s<>"\`{}|\\\\^${unseen}]+|[\\w.+-]{1,64}@[\\w-]+(?:\\.[\\w-]+)+`,
  "giu",
);
const schemes: readonly string[] = ["http:", "https:", "mailto:"];
/** The longest text in which addresses are looked for; a longer one is shown as it is. */
const maxLength = 70_000;

/**
 * Cuts a text into what is plain and what is an address of the web or of mail. The parts joined are the text, character for character.
 * Only http, https and mailto become links, and no address that hides its host behind a user name.
 */
export function linked(text: string): readonly (string | Link)[] {
  if (text.length > maxLength) return [text];
  const parts: (string | Link)[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(candidate)) {
    if (index > 0 && /[\p{L}\p{N}_]/u.test(text[index - 1]!)) continue;
    const shown = withoutEnd(found);
    const href = hrefOf(shown);
    if (!href) continue;
    if (index > from) parts.push(text.slice(from, index));
    parts.push({ text: shown, href });
    from = index + shown.length;
  }
  return from < text.length ? [...parts, text.slice(from)] : parts;
}

const openingOf: Readonly<Record<string, string>> = { ")": "(", "]": "[" };

/** A sentence's punctuation is not the address's, nor is a bracket that was opened before it. */
function withoutEnd(found: string): string {
  const counts: Record<string, number> = {};
  for (const letter of found) if ("()[]".includes(letter)) counts[letter] = (counts[letter] ?? 0) + 1;
  let end = found.length;
  for (; end > 0; end--) {
    const last = found[end - 1]!;
    const opening = openingOf[last];
    if (opening && counts[last]! > (counts[opening] ?? 0)) counts[last]!--;
    else if (!/[.,;:!?'"*_~…]/.test(last)) break;
  }
  return found.slice(0, end);
}

function hrefOf(shown: string): string | null {
  const url = parsed(addressed(shown));
  if (!url || !schemes.includes(url.protocol) || url.username !== "" || url.password !== "") return null;
  const isWhole = url.protocol === "mailto:" ? url.pathname.includes("@") : url.hostname !== "";
  return isWhole ? url.href : null;
}

function addressed(shown: string): string {
  if (/^(?:https?:\/\/|mailto:)/i.test(shown)) return shown;
  return /^www\./i.test(shown) ? `https://${shown}` : `mailto:${shown}`;
}

function parsed(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
