/**
 * Metadata as JSON text, without parsing what is in it: a value that is not replaced stays as it is, digit for digit. The texts were made by
 * `JSON.stringify`: no space between tokens, and one spelling per key.
 */

const settingsKey = '"group_settings"';
/** Under which clients of 0.3 could keep the settings, and where they counted while there was no `group_settings`. */
const formerSettingsKey = '"groupSettings"';

/**
 * Returns `metadata` with what `patch` names at its top level. `group_settings` are merged name by name: a null gives one its default again,
 * null instead of the object all of them. Settings under their former name move to `group_settings` with the first change of them.
 */
export function mergedMetadata(metadata: string, patch: string): string {
  const [before, given] = [membersOf(metadata), membersOf(patch)];
  const merged = new Map([...before, ...given]);
  const settings = given.get(settingsKey);
  if (settings !== undefined) {
    merged.set(settingsKey, mergedSettings(storedSettings(before), settings));
    merged.delete(formerSettingsKey);
  }
  return objectOf(merged);
}

/** Whether a patch sets any of a group's settings: null takes them away. */
export function setsGroupSettings(patch: string): boolean {
  return (membersOf(patch).get(settingsKey) ?? "null") !== "null";
}

/** Returns the names that differ at the top level of two metadata; of settings each as `group_settings.<name>`. */
export function changedNames(metadata: string, other: string): readonly string[] {
  const [before, after] = [membersOf(metadata), membersOf(other)];
  return differingKeys(before, after).flatMap((key) => {
    const names = key === settingsKey ? changedSettings(before, after) : [];
    return names.length > 0 ? names : [nameOf(key)];
  });
}

function changedSettings(before: Members, after: Members): readonly string[] {
  const keys = differingKeys(settingsOf(storedSettings(before)), settingsOf(after.get(settingsKey)));
  return keys.map((key) => `group_settings.${nameOf(key)}`);
}

function differingKeys(one: Members, other: Members): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
}

function mergedSettings(stored: string | undefined, patch: string): string {
  if (!isObject(patch)) return patch;
  const merged = new Map([...settingsOf(stored), ...membersOf(patch)]);
  return objectOf(new Map([...merged].filter(([, value]) => value !== "null")));
}

/** The text of those that count. */
function storedSettings(metadata: Members): string | undefined {
  return metadata.get(metadata.has(settingsKey) ? settingsKey : formerSettingsKey);
}

function settingsOf(text: string | undefined): Members {
  return text !== undefined && isObject(text) ? membersOf(text) : new Map();
}

function isObject(text: string): boolean {
  return text.startsWith("{");
}

/** The top level of an object: keys and values as they are written. */
type Members = ReadonlyMap<string, string>;

function objectOf(members: Members): string {
  return `{${[...members].map(([key, value]) => `${key}:${value}`).join()}}`;
}

function nameOf(key: string): string {
  return JSON.parse(key) as string;
}

function membersOf(object: string): Members {
  const members = new Map<string, string>();
  let at = 1;
  while (at < object.length - 1) {
    const colon = endOfString(object, at);
    const end = endOfValue(object, colon + 1);
    members.set(object.slice(at, colon), object.slice(colon + 1, end));
    at = end + 1;
  }
  return members;
}

/** The first place after the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** A quotation mark behind an odd number of backslashes is escaped. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === backslash) before--;
  return (at - before) % 2 === 0;
}

/** The comma or brace that follows the value. By code units: a text of one character for each is ten times as slow. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === quotationMark) {
      at = endOfString(text, at);
      continue;
    }
    if (depth === 0 && (unit === comma || unit === closingBrace)) return at;
    if (unit === openingBrace || unit === openingBracket) depth++;
    else if (unit === closingBrace || unit === closingBracket) depth--;
    at++;
  }
}

const quotationMark = 0x22;
const comma = 0x2c;
const openingBracket = 0x5b;
const backslash = 0x5c;
const closingBracket = 0x5d;
const openingBrace = 0x7b;
const closingBrace = 0x7d;
