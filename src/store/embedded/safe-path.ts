import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { EmbeddedRefusal } from "./refusal.ts";

/**
 * `initdb` puts the paths of its programs between double quotes and gives them to a shell, in which $ ` " \ mean something. The
 * dynamic loader separates directories by : and ;. What is no text, or more than a line, would not arrive as it was meant.
 */
const misread = /[$`"\\:;\p{Cc}\ufffd]/u;
/** PostgreSQL cuts paths at 1,024 bytes, and its own directories and files come on top. */
const longestBytes = 800;

/** Why no PostgreSQL may run below this path, which need not exist yet; null: it may. Links are resolved first. */
export function pathProblem(path: string): string | null {
  const real = realPathOf(resolve(path));
  const [character] = misread.exec(real) ?? [];
  if (character !== undefined)
    return `its path contains ${JSON.stringify(character)}, which programs that PostgreSQL starts would misread`;
  return Buffer.byteLength(real) > longestBytes ? `its path has more than ${longestBytes} bytes` : null;
}

/** @throws EmbeddedRefusal before anything was made, run or changed. */
export function refuseUnsafePath(path: string): void {
  const problem = pathProblem(path);
  if (problem === null) return;
  throw new EmbeddedRefusal({
    code: "unsafe_path",
    directory: shortened(resolve(path)),
    problem,
    wayOut: 'Choose a path of at most 800 bytes without $ ` " \\ : ; and control characters',
  });
}

function realPathOf(path: string): string {
  if (existsSync(path) || dirname(path) === path) return realpathSync(path);
  return join(realPathOf(dirname(path)), basename(path));
}

function shortened(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
