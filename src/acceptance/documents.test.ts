import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { settingsDocument, settingsPath } from "../../cli/settings-document.ts";
import { incidents } from "../core/incidents.ts";
import { budgets } from "../core/limits/budgets.ts";
import { refusals } from "../core/rejection.ts";
import { settings } from "../settings.ts";
import { createLogger } from "../telemetry/logger.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { formerVariables } from "../variable-names.ts";

/** What the pages name is there: files, headings, settings, metrics, incidents, codes. */

const root = join(import.meta.dir, "../..");
const textOf = (path: string) => readFileSync(join(root, path), "utf8");

/** What is kept in the repository, as git sees it; a file that is new and not ignored counts too. */
const files = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root })
  .stdout.toString()
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const pages = files.filter((path) => path.endsWith(".md"));
/** Written from the packages that are carried: their texts are others'. */
const ours = pages.filter((path) => path !== "THIRD-PARTY-NOTICES.md");

const withoutFences = (text: string) => text.replace(/^\s*```[\s\S]*?^\s*```$/gm, "");

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(path: string): ReadonlySet<string> {
  const headings = [...withoutFences(textOf(path)).matchAll(/^#{1,6} (.+)$/gm)];
  return new Set(
    headings.map(([, text]) =>
      text!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replace(/\s/g, "-"),
    ),
  );
}

describe("the map", () => {
  const map = textOf("src/ARCHITECTURE.md");
  const named = [...map.matchAll(/`([a-z][\w./*-]*)`/g)].map(([, name]) => name!);
  const tops = new Set(readdirSync(join(root, "src")).filter((name) => !name.includes(".")));
  const isPath = (name: string) => name.includes("/") && tops.has(name.split("/")[0]!);

  test("names only files and folders that there are", () => {
    const exists = (name: string) =>
      [name, `${name}.ts`, `${name}.test.ts`].some((path) => existsSync(join(root, "src", path)));
    const missing = named.filter((name) => isPath(name) && !name.includes("*") && !exists(name));
    expect(missing).toEqual([]);
  });

  test("has a row for each folder of src", () => {
    expect([...tops].filter((name) => !map.includes(`| \`${name}/\` |`))).toEqual([]);
  });
});

describe("links", () => {
  test.each(ours)("of %s lead to a file of the repository, and to a heading that it has", (page) => {
    for (const [, target] of withoutFences(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path = "", anchor] = target!.split("#");
      const file = path === "" ? page : normalize(join(dirname(page), path));
      expect([target, existsSync(join(root, file))]).toEqual([target, true]);
      if (anchor !== undefined) expect([target, anchorsOf(file).has(anchor)]).toEqual([target, true]);
    }
  });

  test("there are links to every page of docs/ in README.md", () => {
    for (const page of pages.filter((path) => path.startsWith("docs/"))) {
      expect([page, textOf("README.md").includes(`](${page})`)]).toEqual([page, true]);
    }
  });
});

const variables = new Set<string>(
  Object.values(settings).flatMap((each) => each.variables as readonly string[]),
);
/** Or one of the former service, which an upgrade note may name. `WHISPR_TEST_…` are those of our own tests. */
const isSetting = (name: string) =>
  variables.has(name) || name.startsWith("WHISPR_TEST_") || formerVariables({ [name]: "set" }).length > 0;

describe("names", () => {
  test.each(ours)("of settings in %s are settings", (page) => {
    const named = textOf(page).matchAll(
      /\b(?:WHISPR|LIMIT|JWT|WS|ADMIN|DB|CORS|TRUSTED|LOG|FIRST|PRESENCE|MAX)_[A-Z][A-Z_]*[A-Z]\b/g,
    );
    for (const [name] of named) expect([name, isSetting(name)]).toEqual([name, true]);
  });

  test.each(ours)("of metrics in %s are metrics", async (page) => {
    const scraped = await metrics.scrape();
    for (const [, name] of textOf(page).matchAll(/\b(whispr_[a-z][a-z_]+[a-z])\b/g)) {
      if (otherNames.has(name!)) continue;
      const isThere = scraped.includes(`# TYPE ${name} `) || gaugesOfOthers.has(name!);
      expect([name, isThere]).toEqual([name, true]);
    }
  });

  test.each(ours.filter((page) => page !== "bench/README.md"))(
    "in `snake_case` in %s are names of something",
    (page) => {
      const named = withoutFences(textOf(page)).matchAll(/`([a-z]+(?:_[a-z]+)+)`/g);
      for (const [, name] of named)
        if (!name!.startsWith("whispr_")) expect([name, isKnown(name!)]).toEqual([name, true]);
    },
  );
});

const metrics = new Metrics({
  logger: createLogger({ level: "fatal", format: "json" }),
  build: { version: "0.0.0", commit: "test" },
});
/** Registered by what they measure, when it is there. */
const gaugesOfOthers = new Set(
  files.filter((path) => /^src\/telemetry\/(metrics|gauges)\.ts$/.test(path)).flatMap(gaugeNames),
);
/** A role of the embedded database. */
const otherNames = new Set(["whispr_app"]);
/** Of other programs: sudo, nginx, PostgreSQL, identity providers. */
const foreign = new Set([
  "env_keep",
  "no_new_privs",
  "pg_basebackup",
  "pg_dump",
  "pg_upgrade",
  "proxy_read_timeout",
  "synchronous_commit",
  "token_use",
]);

function gaugeNames(path: string): readonly string[] {
  const [, table = ""] = /const gaugeHelp[^{]*\{([\s\S]*?)\n\};/.exec(textOf(path)) ?? [];
  return [...table.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => `whispr_${name}`);
}

/** Sources, as they are shipped: the names of fields, events and tables are there. */
const sources = files
  .filter(
    (path) => /^(src|cli|migrations)\/.*\.(ts|mjs|sql)$/.test(path) && !/\.test\.ts$|\/testing\//.test(path),
  )
  .map(textOf)
  .join("\n");

function isKnown(name: string): boolean {
  if (foreign.has(name)) return true;
  const tables = [incidents, budgets, refusals];
  return tables.some((table) => Object.hasOwn(table, name)) || new RegExp(`\\b${name}\\b`).test(sources);
}

test("docs/settings.md is the table of settings (bun cli/settings-document.ts writes it)", () => {
  expect(readFileSync(settingsPath, "utf8")).toBe(settingsDocument());
});

describe("no file", () => {
  const texts = files.filter(
    (path) => /\.(ts|mjs|md|sql|json|html|css|go|rs|java)$/.test(path) && path !== self,
  );

  test("cites a document that is not in the repository", () => {
    for (const path of texts) {
      const cited = [...textOf(path).matchAll(/\b[\w/.-]+\.md\b/g)].map(([name]) => name);
      const missing = cited.filter((name) => !isOurDocument(name, path));
      expect([path, missing]).toEqual([path, []]);
    }
  });

  test("speaks of a design document that readers do not have", () => {
    for (const path of texts) {
      expect([
        path,
        /design document|decisions\.md|\bcontract\/(rest|websocket)|\.\.\/shared\b/i.test(textOf(path)),
      ]).toEqual([path, false]);
    }
  });
});

const self = "src/acceptance/documents.test.ts";

/** A page of the repository: by its path from the root or from the citing file, or by its name alone. */
function isOurDocument(name: string, citing: string): boolean {
  const candidates = [name, normalize(join(dirname(citing), name))];
  return candidates.some((path) => pages.includes(path)) || pages.some((page) => page.endsWith(`/${name}`));
}
