// Builds dist/whispr-msg: one file that needs neither Bun nor node_modules. Not a command of the product.
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { playgroundPage } from "../src/playground/page-files.ts";
import { referencePage } from "../src/reference/reference-page.ts";
import { bundlePage, type PageSource } from "../src/web/pages/page-files.ts";
import { packPostgres } from "./pack-postgres.ts";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");
export const binary = join(dist, "whispr-msg");

/**
 * Never --minify: Elysia reads function sources and class names at run time. --env=disable keeps `process.env` live, the autoload
 * flags keep a `.env` or `bunfig.toml` in the current directory out of the process.
 */
const flags = [
  "--compile",
  "--bytecode",
  "--format=esm",
  "--minify-syntax",
  "--minify-whitespace",
  "--sourcemap",
  "--env=disable",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

export async function build(): Promise<void> {
  const archive = await packPostgres(dist);
  const pages = await Promise.all([playgroundPage, referencePage].map(packPage));
  const draft = `${binary}.new`;
  const outputs = [
    "--asset",
    archive,
    ...pages.flatMap((page) => ["--asset", page]),
    "--define",
    `WHISPR_COMMIT=${JSON.stringify(commit())}`,
    "--outfile",
    draft,
  ];
  const built = Bun.spawnSync([process.execPath, "build", ...flags, join(root, "cli/main.ts"), ...outputs], {
    cwd: root,
  });
  if (built.exitCode !== 0) throw new Error(`bun build failed:\n${built.stdout}${built.stderr}`);
  // A running executable is not written over: who runs it keeps the file that it has.
  await rename(draft, binary);
  await rm(`${draft}.map`, { force: true });
}

async function packPage(page: PageSource): Promise<string> {
  const path = join(dist, page.embeddedName);
  await Bun.write(path, JSON.stringify(await bundlePage(page)));
  return path;
}

/** Of the sources; `+` when they were changed since. Without git: unknown. */
function commit(): string {
  const git = (...args: string[]) => Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" });
  const head = git("rev-parse", "--short=12", "HEAD");
  if (head.exitCode !== 0) return "unknown commit";
  const changes = git("status", "--porcelain", "--untracked-files=no").stdout.toString().trim();
  return `${head.stdout.toString().trim()}${changes === "" ? "" : "+"}`;
}

if (import.meta.main) {
  const startedMs = performance.now();
  await build();
  const megabytes = ((await stat(binary)).size / 1e6).toFixed(0);
  console.log(
    `dist/whispr-msg, ${megabytes} MB, in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`,
  );
}
