import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { eventually } from "../src/testing/eventually.ts";
import { freePort, startServer } from "../src/testing/processes/server.ts";
import { whisprMsg } from "./program.ts";

/** Every command that a document, a help text or an error names exists, with the options that it is named with. */

const root = join(import.meta.dir, "..");
const timeoutMs = 180_000;
const program = whisprMsg();
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Why the executable would refuse these words; null: it would not, for its usage. */
function usageProblem(words: readonly string[]): string | null {
  let command = program;
  let argumentCount = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const child = command.commands.find((each) => each.name() === word);
    if (word.startsWith("-")) {
      const name = word.split("=")[0];
      const option = command.options.find(({ short, long }) => name === short || name === long);
      if (!option && name !== "--help") return `${command.name()} has no option ${name}`;
      if (option?.required && !word.includes("=")) index++;
    } else if (child) {
      command = child;
      argumentCount = 0;
    } else argumentCount++;
  }
  if (argumentCount <= command.registeredArguments.length) return null;
  return `${command.name()} does not take "${words.join(" ")}"`;
}

/** Of a piece of code: what is typed of `whispr-msg` or npm, whatever stands before (PORT=…) or behind (pipes, comments). */
function commandsIn(code: string): readonly (readonly string[])[] {
  const lines = code.replaceAll("\\\n", " ").split("\n");
  return lines.flatMap((line) => {
    const found = line.matchAll(
      /(?:^|[\s("'`])(?:[\w.~/-]*\/)?(whispr-msg|npm(?: -s| --silent)?)((?: +[^\s`"')|&;<>#]+)*)/g,
    );
    return [...found].map(([, program, rest]) => [
      program!.startsWith("npm") ? "npm" : program!,
      ...rest!.split(" ").filter(Boolean),
    ]);
  });
}

function problemOf([tool, ...words]: readonly string[]): string | null {
  if (tool === "whispr-msg") return usageProblem(words);
  const [script, ...rest] = words[0] === "run" ? words.slice(1) : words;
  if (script === undefined || script === "install") return null;
  if (!(script in scripts)) return `package.json has no script ${script}`;
  if (script !== "start") return null;
  const given = rest[0] === "--" ? rest.slice(1) : rest;
  return usageProblem(given.length === 0 || given[0]!.startsWith("-") ? ["dev", ...given] : given);
}

function problemsIn(codes: readonly string[]): readonly string[] {
  return codes.flatMap(commandsIn).flatMap((words) => {
    const problem = problemOf(words);
    return problem === null ? [] : [`${words.join(" ")}: ${problem}`];
  });
}

/** Fences of the shell and pieces within a line. */
function codesOf(markdown: string): readonly string[] {
  const fences = [...markdown.matchAll(/^```(?:sh|console|bash)[^\n]*\n([\s\S]*?)^```$/gm)];
  const inline = markdown.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g);
  return [...fences, ...inline].map(([, code]) => code!);
}

const documents = [
  "README.md",
  "CHANGELOG.md",
  "SECURITY.md",
  "src/ARCHITECTURE.md",
  "bench/README.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"));

test.each(documents)("%s names only commands that exist", (name) => {
  expect(problemsIn(codesOf(readFileSync(join(root, name), "utf8")))).toEqual([]);
});

test("the table of commands in README.md has those that there are, each once", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, code]) => code!.split(" ")),
  );
  const table = rows.filter(([first]) => program.commands.some((each) => each.name() === first?.[0]));
  const listed = table.flatMap(([first, ...others]) => [
    first!,
    ...others.map((words) => beside(first!, words)),
  ]);
  expect(listed.map((words) => [words.join(" "), usageProblem(words)])).toEqual(
    listed.map((words) => [words.join(" "), null]),
  );
  const names = new Set(listed.map(([name]) => name));
  expect([...names].toSorted()).toEqual(program.commands.map((each) => each.name()).toSorted());
});

/** `migrate up`, `down`: the second is a sibling of the first, unless it is a command by itself. */
function beside(first: readonly string[], words: readonly string[]): readonly string[] {
  if (program.commands.some((each) => each.name() === words[0])) return words;
  const typed = first.filter((word) => word !== word.toUpperCase());
  return [...typed.slice(0, -1), ...words];
}

const everyCommand = (function all(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(all)];
})(program);

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (piece) => (text += piece) }).outputHelp();
  return text;
}

test.each(everyCommand.map((each) => [each.name(), each] as const))(
  "the help of %s has examples, and all of them exist",
  (_, command) => {
    const help = helpOf(command);
    const examples = help.match(/\nExamples:\n((?: {2}.*\n)+)/)?.[1] ?? "";
    expect(commandsIn(examples)).not.toEqual([]);
    expect(problemsIn([examples])).toEqual([]);
  },
);

test("every command that a text of the sources names exists", () => {
  const folders = ["cli", "src"].map((folder) => new Bun.Glob(`${folder}/**/*.{ts,mjs}`));
  const paths = folders.flatMap((glob) => [...glob.scanSync(root)]);
  const isShipped = (path: string) => !/\.test\.ts$|\/(testing|fixture)\//.test(path);
  const named = paths.filter(isShipped).flatMap((path) => {
    const code = readFileSync(join(root, path), "utf8").replace(/^\s*(\*|\/[/*]).*$/gm, "");
    const found = code.matchAll(/\b(?:whispr-msg|npm start --) [a-z][^"'`\n]*/g);
    // In a sentence, what follows a command is not typed: the command and its options are looked at.
    return [...found].map(([text]) => `${path}: ${typedIn(text)}`);
  });
  const commands = named.filter((text) => /: (whispr-msg|npm)/.test(text));
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.filter((text) => problemsIn([text.split(": ")[1]!]).length > 0)).toEqual([]);
});

/** The words up to the first that can be neither a command nor an option; empty when the first is no command. */
function typedIn(text: string): string {
  const [tool, ...words] = text.replace("npm start --", "whispr-msg").split(/[\s.,;:]+/);
  const commandNames = new Set(everyCommand.map((each) => each.name()));
  const isTyped = (word: string) => commandNames.has(word) || word.startsWith("--");
  const end = words.findIndex((word) => !isTyped(word));
  const typed = end === -1 ? words : words.slice(0, end);
  return typed.length === 0 ? "" : [tool, ...typed].join(" ");
}

describe("as README.md prints it", () => {
  const directory = mkdtempSync(join(tmpdir(), "whispr-printed-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }), timeoutMs);
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const environment = { WHISPR_DATA_DIR: join(directory, "data"), HOME: directory };

  test(
    "npm start serves, its quick start sends and repeats, and a token of npm start is good",
    async () => {
      const port = await freePort();
      const command = ["npm", "start", "--"];
      await using server = await startServer({ arguments: [], environment, port, command, directory: root });
      const here = (code: string) => code.replaceAll("localhost:4000", `127.0.0.1:${port}`);
      await eventually("the tokens to be printed", () => server.output().includes("export BOB="));
      const tokens = Object.fromEntries(
        [...server.output().matchAll(/^export (ALICE|BOB)=(\S+)$/gm)].map(([, name, token]) => [
          name!,
          token!,
        ]),
      );
      const [, console] = /^The same from another terminal[\s\S]*?^```sh run\n([\s\S]*?)^```$/m.exec(readme)!;
      const twice = `${here(console!)}\necho\n${here(console!)}`;
      const env = { PATH: process.env.PATH ?? "", ...environment, ...tokens };
      const typed = Bun.spawnSync(["bash", "-c", twice], { env });
      expect(typed.stdout.toString()).toMatch(/"content":"hello"[\s\S]*"duplicate":true/);
      expect(typed.stderr.toString()).toBe("");

      const guide = readFileSync(join(root, "docs/app.md"), "utf8");
      const [tokenLine] = /npm -s start -- token [^`]*/.exec(guide)!;
      const made = Bun.spawnSync(["bash", "-c", tokenLine], { env, cwd: root });
      const headers = { authorization: `Bearer ${made.stdout.toString().trim()}` };
      expect(made.stderr.toString()).toBe("");
      expect((await fetch(`${server.url}/api/v1/conversations`, { headers })).status).toBe(200);
      await server.end("SIGTERM");
    },
    timeoutMs,
  );
});
