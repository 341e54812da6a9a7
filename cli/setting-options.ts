import { type Command, Option } from "commander";
import { type Config, type Reading, readConfig } from "../src/config.ts";
import { type Setting, type SettingContext, type SettingName, settings } from "../src/settings.ts";
import type { FormerVariable } from "../src/variable-names.ts";
import { doubtsAbout } from "./doubts.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { complain } from "./print.ts";

/** Gives a command the flags of these settings; without names, of all that have one. */
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
  // Told, not enforced: what is wrong is refused with all the other settings.
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

/** Environment and this command's flags as the tree of settings. All that is wrong is told at once, and the command ends with 2. */
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
  // `serve` and `dev` log it, `doctor` finds it.
  if (purpose === "tool")
    for (const { text } of doubtsAbout(Bun.env, process.argv.slice(2))) complain(`warning: ${text}`);
  return result;
}

/** In one line: a deployment of the former service may have twenty of them. */
function warnOfFormer(former: readonly FormerVariable[]): void {
  if (former.length === 0) return;
  const names = former.map(({ name }) => name).join(", ");
  complain(
    `warning: settings of the former messaging service that have no effect here: ${names}. What there is instead: whispr-msg config.`,
  );
}

/** As commander names it: `data-dir` is `dataDir`. */
function attributeOf(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
