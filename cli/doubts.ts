import type { Warning } from "../src/core/incidents.ts";

/** Something about the start of this process that its operator should know. */
export interface Doubt {
  /** The incident that `serve` and `dev` log for it. */
  readonly event: Warning;
  /** The variables or options, separated by commas. Never their values. */
  readonly names: string;
  readonly text: string;
}

/**
 * Variables that the runtime and the dynamic linker obey before our first line runs. They load code, open a debugger, print requests or
 * turn the check of certificates off. The executable cannot ignore them, so it warns about them.
 */
const obeyed = /^(BUN_OPTIONS|BUN_INSPECT\w*|BUN_CONFIG_VERBOSE_FETCH|LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH)$/;

/** Returns the warnings about an environment and the arguments of a command. */
export function doubtsAbout(
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): readonly Doubt[] {
  const variables = Object.keys(environment).filter((name) => isObeyed(name, environment[name]));
  const options = args.flatMap((_, index) => exposedOption(args, index));
  return [
    ...doubt(
      "runtime_variables_set",
      variables,
      (names) =>
        `these environment variables change how this executable runs, or load code into it: ${names}. Unset them, unless they are intended.`,
    ),
    ...doubt(
      "password_in_arguments",
      options,
      (names) =>
        `${names} has a password, which every user of this machine can read in the process list: ${wayOut}.`,
    ),
  ];
}

const wayOut =
  "set the address in DATABASE_URL and the password in DB_PASSWORD, or in a file that PGPASSFILE names";

function doubt(
  event: Warning,
  found: readonly string[],
  textOf: (names: string) => string,
): readonly Doubt[] {
  const names = [...new Set(found)].sort().join(", ");
  return names === "" ? [] : [{ event, names, text: textOf(names) }];
}

function isObeyed(name: string, value: string | undefined): boolean {
  if (!value) return false;
  return obeyed.test(name) || (name === "NODE_TLS_REJECT_UNAUTHORIZED" && value === "0");
}

const passwordInUrl = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*:[^/?#]+@|[^#]*[?&]password=[^&#]+)/i;

/** The name of an option whose value holds a password: `--name=value` or `--name value`. */
function exposedOption(args: readonly string[], index: number): readonly string[] {
  const [, inline, value] = /^(--[\w-]+)=(.*)$/s.exec(args[index]!) ?? [];
  if (inline !== undefined) return passwordInUrl.test(value!) ? [inline] : [];
  if (!passwordInUrl.test(args[index]!)) return [];
  const before = args[index - 1];
  return [before?.startsWith("--") ? before : "an argument"];
}
