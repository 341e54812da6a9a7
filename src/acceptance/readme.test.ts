import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { eventually } from "../testing/eventually.ts";
import { freePort, type ServerProcess, serverCommand, startServer } from "../testing/processes/server.ts";

/**
 * The pages cannot lie: their snippets are run, in order, as a reader would paste them, against the server that `npm start` starts.
 *
 * The convention. A fence whose info string is `sh run` or `js run` is run. All `sh` ones of a page are one shell session that has the
 * tokens of `npm start` in its environment, and `whispr-msg` on its PATH. All `js` ones are one module, piece after piece; it begins with
 * the environment that the shell has by then. Each waits for the one before. `localhost:4000` stands for the server. Comments say what
 * comes of a snippet before the next one begins: `→ a line` is printed by it, `app.mjs → a line` in a `sh` one is printed by the module;
 * `…` stands for anything. Nothing else is printed. Every `js` fence is one of these; other `sh` ones (`npm start`) are not run.
 */

const root = join(import.meta.dir, "../..");
const textOf = (path: string) => readFileSync(join(root, path), "utf8");
const readme = textOf("README.md");

interface Snippet {
  readonly language: string;
  readonly code: string;
  /** Of its own program: what it prints. */
  readonly prints: readonly string[];
  /** What the module prints meanwhile. */
  readonly appPrints: readonly string[];
}

const fencesOf = (page: string) => [...textOf(page).matchAll(/^```(\S+)( run)?\n([\s\S]*?)^```$/gm)];
const snippetsOf = (page: string) =>
  fencesOf(page)
    .filter(([, , run]) => run)
    .map(([, language, , code]) => snippetOf(language!, code!));

function snippetOf(language: string, code: string): Snippet {
  const prints = [...code.matchAll(/^(?:#|\/\/) → (.*)$/gm)].map(([, line]) => line!);
  const appPrints = [...code.matchAll(/^# app\.mjs → (.*)$/gm)].map(([, line]) => line!);
  return language === "js"
    ? { language, code, prints: [], appPrints: prints }
    : { language, code, prints, appPrints };
}

const directory = mkdtempSync(join(tmpdir(), "whispr-readme-"));
chmodSync(directory, 0o755);
symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
afterAll(() => rmSync(directory, { recursive: true, force: true }), 120_000);

/** Printed after each snippet by whatever runs it. */
const done = "--- done ---";

/** A program that is fed on its stdin and tells on its stdout. */
class Program {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #ended: Promise<unknown>;
  #out = "";
  #err = "";
  #read = 0;

  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = Bun.spawn([...command], {
      cwd: directory,
      env: environment,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#ended = Promise.all([
      this.#keep(this.#child.stdout, (text) => {
        this.#out += text;
      }),
      this.#keep(this.#child.stderr, (text) => {
        this.#err += text;
      }),
    ]);
  }

  feed(text: string): void {
    this.#child.stdin.write(text);
    this.#child.stdin.flush();
  }

  /** Whole lines since the last `take`, without the mark of a snippet's end. */
  get lines(): readonly string[] {
    const whole = this.#out.slice(this.#read, this.#out.lastIndexOf("\n") + 1);
    return whole.split("\n").filter((line) => line !== "" && line !== done);
  }

  get isDone(): boolean {
    return this.#out.slice(this.#read).includes(`${done}\n`);
  }

  /** What went wrong, for who reads a failure. */
  get complaints(): string {
    return this.#err;
  }

  take(): readonly string[] {
    const { lines } = this;
    this.#read = this.#out.length;
    return lines;
  }

  async end(): Promise<void> {
    this.#child.kill();
    await this.#ended;
  }

  async #keep(stream: ReadableStream<Uint8Array>, keep: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) keep(decoder.decode(chunk, { stream: true }));
  }
}

/** The module of all `js` snippets; each waits for a line on stdin. */
function moduleOf(codes: readonly string[]): string {
  const pieces = codes.map((code) => `await whenTold.next();\n${code}\nconsole.log("${done}");\n`);
  const imports = `import { createInterface } from "node:readline";\n`;
  const lines = "const whenTold = createInterface({ input: process.stdin })[Symbol.asyncIterator]();\n";
  return `${imports}${lines}${pieces.join("")}`;
}

/** A reader with a terminal, a file and a server of `npm start`. */
class Reader implements AsyncDisposable {
  readonly #server: ServerProcess;
  readonly #shell: Program;
  readonly #runtime: readonly string[];
  readonly #path: string;
  #app: Program | null = null;

  constructor(options: {
    readonly server: ServerProcess;
    readonly snippets: readonly Snippet[];
    readonly runtime: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
  }) {
    this.#server = options.server;
    this.#runtime = options.runtime;
    this.#path = join(directory, `app-${new URL(options.server.url).port}.mjs`);
    this.#shell = new Program(["sh"], options.environment);
    const codes = options.snippets
      .filter(({ language }) => language === "js")
      .map(({ code }) => this.#here(code));
    writeFileSync(this.#path, moduleOf(codes));
  }

  /** What was printed, beside what should have been. */
  async run({ language, code, prints, appPrints }: Snippet): Promise<void> {
    if (language === "js") this.#app ??= await this.#startApp();
    const program = language === "js" ? this.#app! : this.#shell;
    program.feed(language === "js" ? "\n" : `${this.#here(code)}\nprintf '\\n${done}\\n'\n`);
    const isThere = () => program.isDone && (this.#app?.lines.length ?? 0) >= appPrints.length;
    await eventually(`the snippet to be done:\n${code}`, isThere).catch((error) => this.#explain(error));
    const ofShell = language === "sh" ? this.#shell.take() : [];
    expectLines([...ofShell, ...(this.#app?.take() ?? [])], [...prints, ...appPrints]);
  }

  /** Nothing more was printed than what the page says. */
  expectSilence(): void {
    expectLines(this.#app?.take() ?? [], []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell.end();
    await this.#app?.end();
  }

  async #startApp(): Promise<Program> {
    this.#shell.feed(`env\nprintf '\\n${done}\\n'\n`);
    await eventually("the shell to tell its environment", () => this.#shell.isDone);
    const exported = this.#shell.take().map((line) => line.split(/=(.*)/s, 2) as [string, string]);
    return new Program([...this.#runtime, this.#path], Object.fromEntries(exported));
  }

  #here(code: string): string {
    return code.replaceAll("localhost:4000", new URL(this.#server.url).host);
  }

  #explain(error: Error): never {
    const told = [this.#shell, this.#app].map(
      (program) => `${program?.lines.join("\n")}\n${program?.complaints}`,
    );
    throw new Error(`${error.message}\n${told.join("\n")}`);
  }
}

function expectLines(lines: readonly string[], patterns: readonly string[]): void {
  const fitting = lines.map((line, index) => (fits(line, patterns[index] ?? "") ? patterns[index] : line));
  expect(fitting).toEqual([...patterns]);
}

function fits(line: string, pattern: string): boolean {
  const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*");
  return new RegExp(`^${escaped}$`).test(line);
}

async function tokensOf(server: ServerProcess): Promise<Readonly<Record<string, string>>> {
  const tokens = () =>
    Object.fromEntries(
      [...server.output().matchAll(/^export (ALICE|BOB)=(\S+)$/gm)].map((found) => found.slice(1)),
    );
  await eventually("tokens to be printed", () => Object.keys(tokens()).length === 2);
  return tokens();
}

/** Before version 22 Node's WebSocket, which the pages count on, is behind a flag; later the flag says nothing new. */
const node = ["node", "--experimental-websocket", "--no-warnings"];
const bun = [process.execPath, "run"];
const sessions = [
  ["README.md", "node", node],
  ["docs/app.md", "node", node],
  ["docs/app.md", "bun", bun],
  ["docs/auth.md", "node", node],
] as const;

/** `whispr-msg` for the shell: the executable, or the sources where there is none. */
const programs = join(directory, "bin");
mkdirSync(programs);
writeFileSync(join(programs, "whispr-msg"), `#!/bin/sh\nexec ${serverCommand().join(" ")} "$@"\n`, {
  mode: 0o755,
});

test.each(sessions)(
  "the snippets of %s do what it says, with %s",
  async (page, name, runtime) => {
    const dataDir = join(directory, `${page.replace("/", "-")} ${name}`);
    mkdirSync(dataDir);
    const environment = { WHISPR_DATA_DIR: dataDir };
    const server = await startServer({ arguments: ["dev"], environment, port: await freePort() });
    // In the end: it stops its database as well.
    await using stopping = new AsyncDisposableStack();
    stopping.defer(() => server.end("SIGTERM").then(() => {}));
    const snippets = snippetsOf(page);
    const path = `${programs}:${process.env.PATH ?? ""}`;
    const tokens = await tokensOf(server);
    await using reader = new Reader({ server, snippets, runtime, environment: { PATH: path, ...tokens } });
    for (const snippet of snippets) await reader.run(snippet);
    reader.expectSilence();
  },
  180_000,
);

test("the guide has a snippet for each thing that an app does", () => {
  const guide = textOf("docs/app.md");
  for (const section of [
    "Connect",
    "Join",
    "Send",
    "Resume after a disconnect",
    "Receipts",
    "Replies, reactions, typing",
  ]) {
    const text = guide.slice(guide.indexOf(`## ${section}\n`)).split(/^##/m)[1]!;
    expect([section, /^```(js|sh) run$/m.test(text)]).toEqual([section, true]);
  }
});

test("README.md names the version that this is", () => {
  const [major, minor] = version.split(".");
  expect(readme).toContain(`\nThis is version ${major}.${minor}. `);
  expect(readme).toContain(`\nVersion ${major}.${minor} runs on one node`);
});

test("the pages have no JavaScript that is not run, and their snippets are short", () => {
  for (const page of new Set(sessions.map(([page]) => page))) {
    expect(fencesOf(page).filter(([, language, run]) => language === "js" && !run)).toEqual([]);
    for (const { code } of snippetsOf(page)) expect(code.split("\n").length).toBeLessThan(40);
  }
});
