// Lint and form, types, architecture: what must hold before a test is worth running. Not a command of the product.
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const tools = join(root, "node_modules", ".bin");

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const checks: readonly Check[] = [
  { name: "lint and form (biome)", command: [join(tools, "biome"), "check"] },
  { name: "types (tsc)", command: [join(tools, "tsc"), "--noEmit"] },
  ...["playground", "reference"].map((page) => ({
    name: `types of the page ${page} (tsc)`,
    command: [join(tools, "tsc"), "--noEmit", "-p", `src/${page}/page`],
  })),
  { name: "architecture", command: [process.execPath, "test", "src/architecture.test.ts"] },
];

/** The names of the checks that failed; each one's output is shown only then. */
export async function runChecks(): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, command } of checks) {
    const { ok, output, tookMs } = await run(command);
    process.stderr.write(`${ok ? "ok    " : "FAILED"} ${name} (${(tookMs / 1_000).toFixed(1)} s)\n`);
    if (!ok) failed.push(name);
    if (!ok) process.stderr.write(`${output}\n`);
  }
  return failed;
}

async function run(command: readonly string[]) {
  const startedMs = performance.now();
  const child = Bun.spawn([...command], { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { ok: code === 0, output: `${out}${err}`.trim(), tookMs: performance.now() - startedMs };
}

if (import.meta.main) process.exitCode = (await runChecks()).length > 0 ? 1 : 0;
