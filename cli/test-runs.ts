// Which runs of the tests are asked for. Not a command of the product.

export interface WantedRuns {
  /** On the embedded PostgreSQL, or the one that `WHISPR_TEST_DATABASE_URL` names. */
  readonly first: boolean;
  /** On the PostgreSQL that is installed. */
  readonly second: "no" | "where there is one" | "must";
  /** With apt, where none is installed. */
  readonly mayInstall: boolean;
  readonly filters: readonly string[];
}

/** A part that is asked for by name runs once; everything runs twice. CI must have both. */
export function wantedRuns(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): WantedRuns {
  const has = (name: string) => args.includes(name);
  const filters = args.filter((each) => !each.startsWith("--"));
  const isPart = environment.WHISPR_TEST_DATABASE_URL !== undefined || filters.length > 0;
  const isOnce = has("--embedded") || (isPart && !has("--stock"));
  const isMust = has("--stock") || environment.CI === "true";
  const second = isMust ? "must" : "where there is one";
  return { first: !has("--stock"), second: isOnce ? "no" : second, mayInstall: has("--install"), filters };
}
