/** Finds each setting in the options and the environment, and parses it. */
import { type Setting, type SettingContext, type SettingName, settings } from "./settings.ts";

/** The value in force of one setting. */
export interface Reading {
  readonly name: SettingName;
  readonly setting: Setting<unknown>;
  readonly value: unknown;
  readonly source: "default" | `$${string}` | `--${string}`;
  /** The value for people: secrets hidden, `-` for off. */
  readonly shown: string;
}

/** What settings are read from. */
export interface Given extends SettingContext {
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** Reads every setting. Adds to `problems` each one that is refused or that is given twice with different values. */
export function readSettings(given: Given, problems: string[]): readonly Reading[] {
  return Object.entries(settings).map(([name, setting]) =>
    readSetting(name as SettingName, setting as Setting<unknown>, given, problems),
  );
}

interface Found {
  readonly source: Exclude<Reading["source"], "default">;
  readonly text: string;
}

function readSetting(
  name: SettingName,
  setting: Setting<unknown>,
  given: Given,
  problems: string[],
): Reading {
  const found = findTexts(setting, given);
  const chosen = found[0];
  if (!chosen) {
    const value = typeof setting.fallback === "function" ? setting.fallback(given) : setting.fallback;
    return { name, setting, value, source: "default", shown: shown(setting, value) };
  }
  const other = chosen.source.startsWith("$") && found.find(({ text }) => text !== chosen.text);
  if (other) problems.push(`${nameOf(chosen)} and ${nameOf(other)} differ: set only one of them.`);
  const value = setting.kind.parse(chosen.text);
  if (value === undefined) {
    problems.push(
      `${nameOf(chosen)} is ${quoted(setting, chosen.text)}; allowed: ${setting.kind.allowed}.${hintOf(setting, chosen)}`,
    );
  }
  return {
    name,
    setting,
    value,
    source: chosen.source,
    shown: value === undefined ? "" : shown(setting, value),
  };
}

function findTexts(setting: Setting<unknown>, given: Given): readonly Found[] {
  const found: Found[] = [];
  const flagged = setting.flag && given.flags[setting.flag];
  if (flagged !== undefined && setting.flag) found.push({ source: `--${setting.flag}`, text: flagged });
  for (const variable of setting.variables) {
    const text = given.environment[variable];
    if (text) found.push({ source: `$${variable}`, text });
  }
  return found;
}

function nameOf({ source }: Found): string {
  return source.startsWith("$") ? source.slice(1) : source;
}

function shown(setting: Setting<unknown>, value: unknown): string {
  if (value === null) return "-";
  return setting.isSecret ? "(hidden)" : setting.kind.show(value);
}

/** Quotes a refused value. An address may have a password even when it is wrong. */
function quoted(setting: Setting<unknown>, text: string): string {
  if (setting.isSecret || text.includes("@")) return "not allowed (its value is hidden)";
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

/** Kubernetes sets NAME_PORT=tcp://ip:port for every Service called NAME in the namespace. */
function hintOf({ kind }: Setting<unknown>, { text }: Found): string {
  if (/^tcp:\/\/[\d.:]+$/.test(text))
    return " This looks injected by Kubernetes for a Service of that name: set enableServiceLinks: false in the pod.";
  const reason = kind.reason?.(text);
  return reason ? ` ${reason}` : "";
}
