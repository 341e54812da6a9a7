import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";

/** Of a single step in the page; a step that takes longer has failed. */
export const stepTimeoutMs = 60_000;
/** The package's own are for the small place that it was made for: one process for all, no web security, graphics drawn by a program. */
const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"];

/**
 * Chromium from npm, with the libraries that it needs: nothing is downloaded and no system package is asked for. Unpacked once per machine
 * (5 s), into a directory of its own.
 */
export async function startBrowser(): Promise<BrowserContext> {
  const before = { ...process.env };
  const directory = join(tmpdir(), "whispr-chromium");
  try {
    process.env.TMPDIR = directory;
    mkdirSync(directory, { recursive: true });
    // The package brings its libraries only to where it thinks it was made for.
    process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
    const { default: carried } = await import("@sparticuz/chromium");
    const executablePath = await carried.executablePath();
    const env = { ...process.env, FONTCONFIG_FILE: fontsOf(directory) } as Record<string, string>;
    const launched = { executablePath, args: [...args], env, headless: true };
    return await (await chromium.launch(launched)).newContext();
  } finally {
    for (const name of ["TMPDIR", "AWS_LAMBDA_JS_RUNTIME", "LD_LIBRARY_PATH", "FONTCONFIG_PATH"])
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
  }
}

/** The package's own list of fonts names only the places that it was made for. */
function fontsOf(directory: string): string {
  const path = join(directory, "fonts.conf");
  const places = [`${directory}/fonts`, "/usr/share/fonts"].map((place) => `<dir>${place}</dir>`).join("");
  writeFileSync(path, `<fontconfig>${places}<cachedir>${directory}/fonts-cache</cachedir></fontconfig>`);
  return path;
}

export const narrowScreen = { width: 390, height: 844 } as const;
export const wideScreen = { width: 1440, height: 900 } as const;
