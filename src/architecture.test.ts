import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { authorize } from "./core/authorize.ts";
import { ruleByType } from "./core/commands.ts";
import type { Event } from "./core/events.ts";
import { budgets } from "./core/limits/budgets.ts";
import { refusals } from "./core/rejection.ts";
import { operations } from "./operations/list.ts";
import { pushes } from "./operations/pushes/list.ts";

/** What each folder of src may import, of our own and from npm: the table of src/ARCHITECTURE.md, "Folders". */
interface Allowed {
  readonly folders: readonly string[];
  readonly packages: readonly string[];
  /** Single files of other folders. */
  readonly files?: readonly string[];
}

const table: Readonly<Record<string, Allowed>> = {
  core: { folders: [], packages: [] },
  engine: { folders: ["core"], packages: [] },
  phoenix: { folders: [], packages: [] },
  telemetry: { folders: ["core"], packages: ["pino", "prom-client", "@opentelemetry/*"] },
  store: { folders: ["core", "telemetry"], packages: ["pg", "pgpass", "drizzle-orm"] },
  pubsub: { folders: ["core", "telemetry"], packages: ["ioredis"] },
  presence: { folders: ["core", "telemetry"], packages: ["ioredis"] },
  limiter: { folders: ["core", "telemetry"], packages: ["rate-limiter-flexible", "ioredis"] },
  auth: { folders: ["core", "telemetry"], packages: ["jose"] },
  cluster: {
    folders: ["core", "telemetry"],
    packages: [],
    files: ["store/connections/database.ts", "store/schema/schema.ts"],
  },
  // TypeBox is the schema language of Elysia. JSON is read and written exactly, as the protocol does it.
  operations: {
    folders: ["core", "engine"],
    packages: ["@sinclair/typebox"],
    files: ["phoenix/exact-json.ts"],
  },
  web: {
    folders: ["core", "engine", "operations", "phoenix", "telemetry"],
    packages: ["elysia", "@elysiajs/*"],
  },
  // The page and its routes: an app of its own.
  playground: { folders: ["core", "operations", "telemetry", "web"], packages: [] },
  // The page at /docs: it reads what the server that sent it answers.
  reference: { folders: ["web"], packages: [] },
  grpc: { folders: ["core", "engine", "operations", "telemetry"], packages: ["@grpc/grpc-js"] },
  jobs: { folders: ["core", "engine", "operations", "telemetry"], packages: [] },
};

/** Folders whose files may reach into a part of core only with these. */
const extraPackages: readonly { readonly folder: string; readonly packages: readonly string[] }[] = [
  { folder: "core/encryption/", packages: ["@noble/curves"] },
  { folder: "playground/page/", packages: ["phoenix"] },
];

/** Core is pure: not even the platform's own modules. */
const withoutPlatform = new Set(["core"]);

/** Types of what happens in the domain, which some pushes are named after. */
const domainEvents = [
  "message_deleted",
  "message_edited",
  "conversation_changed",
  "reaction_added",
  "reaction_removed",
] as const satisfies readonly Event["type"][];

const src = import.meta.dir;
const root = join(src, "..");

interface Source {
  /** From the repository's root: `src/core/decide.ts`. */
  readonly path: string;
  readonly text: string;
  /** The code without its comments. */
  readonly code: string;
  readonly imports: readonly string[];
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  return { path, text, code: withoutComments(text), imports: importsOf(text) };
}

/** Types count as well: a type is knowledge. (The transpiler would drop them.) */
function importsOf(text: string): readonly string[] {
  const named = [
    ...withoutComments(text).matchAll(/^\s*(?:import|export)\s[^;"']*?from\s*["']([^"']+)["']/gm),
  ];
  const bare = [...withoutComments(text).matchAll(/(?:^\s*import|\bimport\()\s*["']([^"']+)["']/gm)];
  const found = [...named, ...bare].map(([, name]) => name!);
  const seen = transpiler.scanImports(text).map(({ path }) => path);
  return [...new Set([...found, ...seen])];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

const paths = [...new Bun.Glob("{src,cli,bench}/**/*.ts").scanSync({ cwd: root })]
  .filter((path) => !path.includes("node_modules/") && !path.endsWith(".d.ts"))
  .sort();
const sources = paths.map(readSource);

/** `core` for `src/core/messages/send.ts`; null for files beside the folders (app.ts) and outside of src. */
function folderOf(path: string): string | null {
  const [top, folder, ...rest] = path.split("/");
  return top === "src" && rest.length > 0 ? folder! : null;
}

/** Free to import anything: tests, what only tests use, and the composition root with its commands. */
function isFree({ path }: Source): boolean {
  const folder = folderOf(path);
  return (
    folder === null ||
    folder === "app" ||
    folder === "testing" ||
    folder === "acceptance" ||
    /\.test\.ts$/.test(path) ||
    /\/testing\/|\/contract(\.ts$|\/)/.test(path)
  );
}

const product = sources.filter((source) => !isFree(source));

function targetOf(source: Source, name: string): string {
  return normalize(join(dirname(source.path), name));
}

function packageOf(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith("/*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isPlatform(name: string): boolean {
  return name.startsWith("node:") || name === "bun" || name.startsWith("bun:");
}

function trespass(source: Source, name: string): string | null {
  const folder = folderOf(source.path)!;
  const allowed = table[folder];
  if (!allowed) return `${source.path}: folder ${folder} has no line in the import table`;
  const told = `${source.path} imports ${name}`;
  if (name.startsWith(".")) return mayImportFile(folder, allowed, targetOf(source, name)) ? null : told;
  if (isPlatform(name)) return withoutPlatform.has(folder) ? told : null;
  return packagesOf(source, allowed).some((pattern) => matches(packageOf(name), pattern)) ? null : told;
}

function mayImportFile(folder: string, allowed: Allowed, target: string): boolean {
  // The schema's SQL is embedded where it is applied.
  if (folder === "store" && target.startsWith("migrations/")) return true;
  const other = folderOf(target);
  if (other === folder || (other !== null && allowed.folders.includes(other))) return true;
  return (allowed.files ?? []).includes(target.slice("src/".length));
}

function packagesOf(source: Source, allowed: Allowed): readonly string[] {
  const extra = extraPackages.filter(({ folder }) => source.path.startsWith(`src/${folder}`));
  return [...allowed.packages, ...extra.flatMap(({ packages }) => packages)];
}

describe("imports", () => {
  test("there is something to look at", () => {
    expect(product.length).toBeGreaterThan(20);
  });

  test("each folder imports only what the table allows", () => {
    const found = product.flatMap((source) => source.imports.map((name) => trespass(source, name)));
    expect(found.filter((each) => each !== null)).toEqual([]);
  });

  test("only the composition root, the commands and tests read the settings", () => {
    const config = new Set([
      "src/config.ts",
      "src/read-config.ts",
      "src/settings.ts",
      "src/setting-readings.ts",
      "src/setting-values.ts",
    ]);
    const found = product.filter((source) =>
      source.imports.some((name) => config.has(targetOf(source, name))),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test("nothing but tests and benches imports what is there for tests", () => {
    const shipped = sources.filter(
      (source) => !/\.test\.ts$|\/testing\/|\/contract(\.ts$|\/)|^bench\//.test(source.path),
    );
    const runners = new Set(["cli/test.ts", "cli/stock-tests.ts"]);
    const found = shipped.filter(
      (source) =>
        !runners.has(source.path) &&
        source.imports.some((name) => /\/testing\/|\/contract(\.ts$|\/)|\.test\.ts$|^bun:test$/.test(name)),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test.each(["playground", "reference"])(
    "the page of %s runs in browsers and imports nothing of the server's",
    (app) => {
      const page = `src/${app}/page/`;
      const own = sources.filter(({ path }) => path.startsWith(page) && !path.endsWith(".test.ts"));
      const isForeign = (source: Source, name: string) =>
        name.startsWith(".") ? !targetOf(source, name).startsWith(page) : name !== "phoenix";
      const found = own.flatMap((source) => source.imports.filter((name) => isForeign(source, name)));
      expect([own.length > 5, found]).toEqual([true, []]);
    },
  );

  test("one file opens the product's connections to PostgreSQL, so that every session has the same settings", () => {
    const opens =
      /\bnew\s+(?:pg\s*\.\s*)?(?:Client|Pool|native)\s*\(|\bimport\s+(?!type\b)[^;]*\bfrom\s+["']pg["']/;
    const isProduct = ({ path }: Source) => !/\.test\.ts$|\/testing\//.test(path);
    const found = sources.filter((source) => isProduct(source) && opens.test(source.code));
    expect(found.map(({ path }) => path)).toEqual(["src/store/connections/database.ts"]);
  });

  test("tests open theirs in one file too, unless the connection itself is what they test", () => {
    const found = sources
      .filter(({ code }) => /\bnew pg\.(?:Client|Pool)\(/.test(code))
      .map(({ path }) => path);
    expect(found).toEqual([
      "src/store/connections/database.ts",
      // Writes what is forbidden by default there.
      "src/store/connections/lost-connections.test.ts",
      // Servers that are killed while somebody connects.
      "src/store/embedded/crash.test.ts",
      "src/testing/processes/outside.ts",
    ]);
  });

  test("imports of our own files name them with their extension", () => {
    const isNamed = (name: string) =>
      !name.startsWith(".") || /\.(ts|sql|json|md|txt|html|js|css)$/.test(name);
    const found = sources.flatMap(({ path, imports }) =>
      imports.filter((name) => !isNamed(name)).map((name) => `${path}: ${name}`),
    );
    expect(found).toEqual([]);
  });

  test("there is no circle", () => {
    expect(circleIn(new Map(sources.map((source) => [source.path, ownImports(source)])))).toBeNull();
  });
});

function ownImports(source: Source): readonly string[] {
  return source.imports.filter((name) => name.startsWith(".")).map((name) => targetOf(source, name));
}

/** The first circle as a path, by depth-first search. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string | null {
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): string | null => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node].join(" → ");
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...trail, node]);
      if (circle) return circle;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
  }
  return null;
}

test("the search for circles finds one", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["b"]],
  ]);
  expect(circleIn(graph)).toBe("b → c → b");
});

test("type imports, several lines and dynamic imports are seen, comments are not", () => {
  const text = `import type { A } from "./a.ts";\nimport {\n  b,\n} from "./b.ts";\nawait import("./c.ts");\nimport "./d.ts";\nexport { e } from "./e.ts";\n// import "./f.ts"\n`;
  expect([...importsOf(text)].sort()).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts"]);
});

describe("operations", () => {
  const paths = operations.flatMap(({ rest }) => rest.map(({ path }) => path));
  /** Names that nothing but an event has: `typing` is a word, and so is the type of a command. */
  const events = [
    ...operations.flatMap(({ channel }) => channel.flatMap(({ events }) => events)),
    ...pushes.flatMap(({ names }) => names),
  ];
  /** What the domain calls by the same name: types of commands and events, codes, budgets. */
  const domain = new Set<string>(
    [authorize, ruleByType, refusals, budgets].flatMap(Object.keys).concat(domainEvents),
  );
  const isOutside = ({ path }: Source) =>
    path.startsWith("src/") &&
    !/^src\/(operations|acceptance|testing|playground)\/|\.test\.ts$|\/testing\//.test(path);

  test("nothing outside of operations/ names a path or an event of theirs", () => {
    const names = new Set([...events.filter((name) => !domain.has(name)), ...paths]);
    const found = sources.filter(isOutside).flatMap(({ path, code }) =>
      [...code.matchAll(/"([^"\n]+)"|`([^`\n]+)`/g)]
        .map(([, quoted, template]) => (quoted ?? template)!)
        .filter((text) => names.has(text) || /^(conversation|user):/.test(text))
        .map((text) => `${path}: ${text}`),
    );
    expect(found).toEqual([]);
  });

  test("each has its own file, named as it is, and stands in the list", () => {
    const files = new Set(sources.map(({ path }) => path));
    const listed = readFileSync(join(src, "operations/list.ts"), "utf8");
    for (const { name } of operations) {
      const file = [...files].find((path) =>
        new RegExp(`^src/operations/[a-z]+/${name.replaceAll("_", "-")}\\.ts$`).test(path),
      );
      expect([name, file !== undefined && listed.includes(file.slice("src/operations/".length))]).toEqual([
        name,
        true,
      ]);
    }
  });
});

describe("form", () => {
  const where = (condition: (source: Source) => boolean) => sources.filter(condition).map(({ path }) => path);

  test("there are no default exports", () => {
    expect(where(({ code }) => /^export default\b/m.test(code))).toEqual([]);
  });

  test("no file exceeds 300 lines, except tables", () => {
    const exceptions = new Set([
      // One entry per setting.
      "src/settings.ts",
      // One entry per incident.
      "src/core/incidents.ts",
      // Not a table, and to be split: the states of one joined topic share their invariants.
      "src/phoenix/subscription.ts",
      // Not a table, and to be split: what the playground does when it connects, joins and catches up.
      "src/playground/page/sync.ts",
      // Not a table, and to be split: it only puts the page together.
      "src/playground/page/app.ts",
    ]);
    const isLong = ({ path, text }: Source) =>
      !path.endsWith(".test.ts") && text.trimEnd().split("\n").length > 300;
    expect(where((source) => isLong(source) && !exceptions.has(source.path))).toEqual([]);
    expect([...exceptions].filter((path) => !where(isLong).includes(path))).toEqual([]);
  });

  test("there is no index.ts: a file is imported by its name", () => {
    expect(where(({ path }) => basename(path) === "index.ts")).toEqual([]);
  });

  test("there is no any: the linter refuses it, and nobody silences the linter or the type checker over it", () => {
    const silenced =
      /biome-ignore\s+(lint\/suspicious\/noExplicitAny|lint\/style\/noDefaultExport|lint\s*:)|@ts-(ignore|nocheck)/;
    expect(where(({ path, text }) => !path.endsWith(".test.ts") && silenced.test(text))).toEqual([]);
    const rules = JSON.parse(readFileSync(join(root, "biome.json"), "utf8")).linter.rules;
    expect([rules.suspicious.noExplicitAny, rules.style.noDefaultExport]).toEqual(["error", "error"]);
  });

  test("file names are kebab-case", () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/;
    expect(where(({ path }) => !kebab.test(basename(path)))).toEqual([]);
  });

  test("no test is skipped, left to do or the only one", () => {
    const mark = /\b(test|it|describe)\.(skip|todo|only|failing|skipIf|todoIf|if)\b/;
    expect(where(({ path, code }) => path.endsWith(".test.ts") && mark.test(withoutTexts(code)))).toEqual([]);
  });
});

function withoutTexts(code: string): string {
  return code.replace(
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/(?:[^/\\\n]|\\.)+\/[a-z]*/g,
    '""',
  );
}

describe('words (src/ARCHITECTURE.md, "Words")', () => {
  const forbidden = new Set([
    "manager",
    "helper",
    "helpers",
    "util",
    "utils",
    "handler",
    "info",
    "room",
    "chat",
    "thread",
  ]);
  /** The level of a log line has one name everywhere. */
  const accepted = new Set(["info"]);

  function wordsOf(name: string): readonly string[] {
    return name
      .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
      .toLowerCase()
      .split(/[^a-z0-9]+/);
  }

  function exportedNames({ code }: Source): readonly string[] {
    const pattern =
      /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|let|interface|type|enum)\s+(\w+)/gm;
    return [...code.matchAll(pattern)].map(([, name]) => name!);
  }

  test("no file is named with a word that says nothing", () => {
    const found = sources.filter(({ path }) => wordsOf(path).some((word) => forbidden.has(word)));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test("nothing that is exported is", () => {
    const found = sources.flatMap((source) =>
      exportedNames(source)
        .filter((name) => !accepted.has(name) && wordsOf(name).some((word) => forbidden.has(word)))
        .map((name) => `${source.path}: ${name}`),
    );
    expect(found).toEqual([]);
  });
});
