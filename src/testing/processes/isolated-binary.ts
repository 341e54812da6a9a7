import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

const checkout = join(import.meta.dir, "../../..");

export const isRoot = process.getuid?.() === 0;
/** "nobody", as every Linux has it. */
export const nobodyUid = 65_534;

/** The compiled executable under test. Throws when there is none: who tests it must have built it. */
export function binaryUnderTest(): string {
  const path = process.env.WHISPR_TEST_BINARY ?? join(checkout, "dist/whispr-msg");
  if (!existsSync(path)) throw new Error(`${path} is missing: bun run build makes it, npm test does both`);
  return path;
}

/** Whether this machine lets us mount over the checkout where only the executable sees it; some containers do not. */
export const canHide =
  Bun.spawnSync([...namespace(), "sh", "-c", `mount -t tmpfs none ${checkout}`]).exitCode === 0;

function namespace(): readonly string[] {
  return ["unshare", "--mount", "--propagation", "private", ...(isRoot ? [] : ["--map-root-user"]), "--"];
}

/**
 * The command that runs `binary` with nothing but `variables` in its environment and, where `canHide`, with an empty directory mounted
 * over the whole checkout, node_modules included, in a mount namespace of its own. As root it may run as nobody.
 */
export function isolatedCommand(options: {
  readonly binary: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly asNobody: boolean;
}): readonly string[] {
  const { binary, variables, asNobody } = options;
  const hide = canHide ? [...namespace(), "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', checkout] : [];
  const user = asNobody
    ? ["setpriv", `--reuid=${nobodyUid}`, `--regid=${nobodyUid}`, "--clear-groups", "--"]
    : [];
  const environment = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return [...hide, ...user, "env", "-i", ...environment, binary];
}

/** What the executable can know or reach of the checkout: nothing, if all is well. */
export function tracesOfCheckout(binary: string, asNobody: boolean): readonly string[] {
  if (!canHide) return pathsIn(binary).filter((path) => !harmless.test(path));
  const command = isolatedCommand({ binary: "/bin/sh", variables: {}, asNobody });
  // Where the user may not even enter the checkout, nothing is reached.
  const list = [...command, "-c", 'cd "$0" 2>/dev/null || exit 0; exec /bin/ls -A', checkout];
  const { stdout, stderr } = Bun.spawnSync(list, { cwd: "/" });
  return `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
}

/** Baked in by the compiler as a package's `__dirname`; both are read only for log transports in threads, which we have none of. */
const harmless = /\/node_modules\/(pino\/lib|thread-stream)\w?$/;

function pathsIn(binary: string): readonly string[] {
  const bytes = readFileSync(binary).toString("latin1");
  return bytes.match(new RegExp(`${checkout}/[\\w@./-]+`, "g")) ?? [];
}

/** Files of the checkout that a running process has open or mapped. */
export function openOfCheckout(pid: number): readonly string[] {
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readLink(`/proc/${pid}/fd/${fd}`));
  const mapped = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  return [...open, ...mapped].filter((name) => name.includes(`${checkout}/`));
}

/** Empty: it was closed meanwhile. */
function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
