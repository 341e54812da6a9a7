import { duration, integer } from "../src/setting-values.ts";
import type { Applied } from "../src/store/schema/migrator.ts";
import { CommandRefused, exitCodes } from "./exit-codes.ts";
import { complain, print } from "./print.ts";

/** Applies the migrations and prints each; with `isQuiet` the caller prints what was done. */
export async function applied(
  url: string,
  options: { readonly direction: "up" | "down"; readonly to?: number; readonly isQuiet?: boolean },
): Promise<readonly Applied[]> {
  const { migrate } = await import("../src/store/schema/migrator.ts");
  const { isQuiet = false, ...given } = options;
  const done = await migrate({ url, ...given, onProgress: (text) => complain(`${text} …`) });
  if (isQuiet) return done;
  for (const { direction, version, name, tookMs } of done)
    print(`${direction} ${version}_${name} (${duration(0, 1).show(Math.round(tookMs))})`);
  if (done.length === 0) print("nothing to do");
  return done;
}

export function versionIn(text: string | undefined): { readonly to?: number } {
  if (text === undefined) return {};
  const to = integer(0, 99_999).parse(text);
  if (to !== undefined) return { to };
  throw new CommandRefused(
    `--to is "${text}"; allowed: the number of a migration, 0 for none.`,
    exitCodes.usage,
  );
}
