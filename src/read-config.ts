import { type Config, configOf } from "./config.ts";
import { chooseDatabase } from "./database-settings.ts";
import { contradictions, unusedKeys, unusedRedis } from "./setting-conflicts.ts";
import { type Given, type Reading, readSettings } from "./setting-readings.ts";
import type { Values } from "./settings.ts";
import { type FormerVariable, formerVariables, misspeltVariables } from "./variable-names.ts";

export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly readings: readonly Reading[];
      readonly warnings: readonly string[];
      /** Misspelt names. serve, dev and the tools refuse them, so only `look` gets any here. */
      readonly misspelt: readonly string[];
      /** Variables of the former service that are set and have no effect here. */
      readonly former: readonly FormerVariable[];
    }
  /** All problems, each with the name, the value and what is allowed. */
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads the settings from environment and options into one tree. An option wins over its variable; an empty variable counts as not set.
 * Only `serve` must have what serving needs: keys. It refuses Redis, because there is no cluster mode yet.
 */
export function readConfig(given: Given): ConfigResult {
  const problems: string[] = [];
  const readings = readSettings(given, problems);
  const values = Object.fromEntries(readings.map(({ name, value }) => [name, value])) as unknown as Values;
  const chosen = chooseDatabase(values, given);
  const { certain: misspelt, likely } = misspeltVariables(given.environment);
  const refused = given.purpose === "look" ? [] : misspelt;
  problems.push(...chosen.problems, ...contradictions(values, given), ...refused);
  if (problems.length > 0) return { ok: false, problems };
  const warnings = [...chosen.warnings, ...unusedRedis(given), ...unusedKeys(values, given), ...likely];
  const former = formerVariables(given.environment);
  return { ok: true, config: configOf(values, chosen.database), readings, warnings, misspelt, former };
}
