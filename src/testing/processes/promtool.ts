import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Beside the Bun of this checkout: nothing is installed that runs, and nothing for others. */
const tools = join(import.meta.dir, "../../../.tools");
const ownPromtool = join(tools, "promtool");
const longestDownloadMs = 120_000;

/** Prometheus' own checker of what is scraped; null: it is not on this machine. */
export function findPromtool(): string | null {
  return existsSync(ownPromtool) ? ownPromtool : Bun.which("promtool");
}

/** Takes it out of Debian's package `prometheus`. Returns why it could not; null: it is there. */
export function fetchPromtool(): string | null {
  if (!existsSync("/usr/bin/apt-get")) return "there is no apt-get on this machine";
  const directory = mkdtempSync(join(tmpdir(), "whispr-promtool-"));
  try {
    const fetch = "apt-get download prometheus || { apt-get update -qq && apt-get download prometheus; }";
    const done = spawnSync("sh", ["-c", `{ ${fetch}; } && dpkg-deb -x prometheus_*.deb .`], {
      cwd: directory,
      encoding: "utf8",
      timeout: longestDownloadMs,
    });
    if (done.status !== 0)
      return `apt-get could not download it: ${lastLines(`${done.stdout}${done.stderr}`)}`;
    mkdirSync(tools, { recursive: true });
    copyFileSync(join(directory, "usr/bin/promtool"), ownPromtool);
    return null;
  } catch (error) {
    return `the package has no promtool: ${String(error)}, among ${readdirSync(directory).join(", ")}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function lastLines(output: string): string {
  return output.trim().split("\n").slice(-3).join(" | ") || "it took too long";
}

/** What it complains about; empty: nothing. */
export function promtoolComplaints(promtool: string, metrics: string): string {
  const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], {
    input: metrics,
    encoding: "utf8",
  });
  return status === 0 ? "" : `${stdout}${stderr}`;
}
