import { type Command, Option } from "commander";
import type { Config } from "../src/config.ts";
import { readConfig } from "../src/read-config.ts";
import type { Reading } from "../src/setting-readings.ts";
import { type Setting, type SettingContext, type SettingName, settings } from "../src/settings.ts";
import type { FormerVariable } from "../src/variable-names.ts";
import { doubtsAbout } from "./doubts.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { complain } from "./print.ts";

/** Adds the options of these settings to a command; without names, of all settings that have one. */
export function withSettings(command: Command, names?: readonly SettingName[]): Command {
  for (const name of names ?? (Object.keys(settings) as SettingName[])) {
    const setting = settings[name] as Setting<unknown>;
    if (setting.flag) command.addOption(optionOf(setting.flag, setting));
  }
  return command;
}

function optionOf(flag: string, setting: Setting<unknown>): Option {
  const variables = setting.variables.map((variable) => `$${variable}`).join(", ");
  const option = new Option(
    `--${flag} <value>`,
    `${setting.about} (${variables}; default ${fallbackOf(setting)})`,
  );
  // Listed, not enforced: a wrong value is refused together with all other wrong settings.
  if (setting.kind.words) option.argChoices = [...setting.kind.words];
  return option;
}

export function fallbackOf(setting: Setting<unknown>): string {
  if (setting.fallbackText) return setting.fallbackText;
  if (setting.fallback === null || typeof setting.fallback === "function") return "none";
  return setting.kind.show(setting.fallback);
}

export interface ReadSettings {
  readonly config: Config;
  readonly readings: readonly Reading[];
  readonly misspelt: readonly string[];
  readonly former: readonly FormerVariable[];
}

/** Reads the settings from the environment and the options of this command. All errors are shown at once, and the command ends with 2. */
export function settingsOf(command: Command, purpose: SettingContext["purpose"]): ReadSettings {
  const given = command.optsWithGlobals<Record<string, unknown>>();
  const flags: Record<string, string> = {};
  for (const { flag } of Object.values(settings) as Setting<unknown>[]) {
    const value = flag && given[attributeOf(flag)];
    if (flag && typeof value === "string") flags[flag] = value;
  }
  const isTerminal = process.stdout.isTTY === true;
  const result = readConfig({ environment: Bun.env, flags, purpose, isTerminal });
  if (!result.ok) throw new CommandRefused(result.problems.join("\n"), exitCodes.usage);
  for (const warning of result.warnings) complain(`warning: ${warning}`);
  if (purpose === "serve" || purpose === "dev") warnOfFormer(result.former);
  // `serve` and `dev` log these warnings, `doctor` lists them.
  if (purpose === "tool")
    for (const { text } of doubtsAbout(Bun.env, process.argv.slice(2))) complain(`warning: ${text}`);
  return result;
}

/** On one line: a deployment of the former service may set twenty of them. */
function warnOfFormer(former: readonly FormerVariable[]): void {
  if (former.length === 0) return;
  const names = former.map(({ name }) => name).join(", ");
  complain(
    `warning: settings of the former messaging service that have no effect here: ${names}. What there is instead: whispr-msg config.`,
  );
}

/** Returns the name that commander uses: `data-dir` is `dataDir`. */
function attributeOf(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
