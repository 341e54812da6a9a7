import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverCommand } from "../src/testing/processes/server.ts";

/** The scripts are loaded into the shells themselves, as a user does, and asked what they would offer. zsh and fish only where they are. */

const directory = mkdtempSync(join(tmpdir(), "whispr-completion-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, "a-file.pem"), "");

const env = { PATH: process.env.PATH ?? "", HOME: directory, TERM: "dumb" };
const shells = (["bash", "zsh", "fish"] as const).filter((shell) => Bun.which(shell, { PATH: env.PATH }));

function scriptFor(shell: string): string {
  const { stdout, exitCode } = Bun.spawnSync([...serverCommand(), "completion", shell], { env });
  expect(exitCode).toBe(0);
  return stdout.toString();
}

function run(command: readonly string[]): readonly string[] {
  const { stdout, stderr } = Bun.spawnSync([...command], { env, cwd: directory });
  expect(stderr.toString()).toBe("");
  return stdout
    .toString()
    .split(/\r?\n/)
    .filter((line) => line !== "");
}

/** What is offered for the last of the words. */
type Complete = (...words: readonly string[]) => readonly string[];

const completing: Readonly<Record<(typeof shells)[number], (script: string) => Complete>> = {
  bash:
    (script) =>
    (...words) => {
      // As readline does it: the words are split at "=" as well.
      const split = words
        .flatMap((word) => word.split(/(=)/))
        .filter((word, index, all) => word !== "" || index === all.length - 1);
      const quoted = split.map((word) => `'${word}'`).join(" ");
      const ask = `COMP_WORDS=(whispr-msg ${quoted}); COMP_CWORD=${split.length}; _whispr_msg; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return run(["bash", "--norc", "-c", `${script}\n${ask}`]);
    },
  fish:
    (script) =>
    (...words) => {
      const path = join(directory, "completion.fish");
      writeFileSync(path, script);
      const ask = `source ${path}; complete -C 'whispr-msg ${words.join(" ")}'`;
      return run(["fish", "--no-config", "-c", ask]).map((line) => line.split("\t")[0]!);
    },
  zsh:
    (script) =>
    (...words) => {
      // Outside of its editor: what the script hands to the completion system is told instead.
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const ask = [
        "compdef() { : }",
        "_files() { compadd -- a-file.pem }",
        `compset() { PREFIX=\${PREFIX#*=} }`,
        `compadd() { shift; print -rl -- \${(M)@:#$PREFIX*} }`,
        `_describe() { local -a offered=(\${(P)2}); print -rl -- \${(M)\${offered%%:*}:#$PREFIX*} }`,
        script,
        `words=(whispr-msg ${quoted}); CURRENT=$#words; PREFIX='${words.at(-1)}'; _whispr_msg`,
      ].join("\n");
      return run(["zsh", "-f", "-c", ask]);
    },
};

for (const shell of shells) {
  describe(`completion in ${shell}`, () => {
    let complete: Complete = (...words) => {
      complete = completing[shell](scriptFor(shell));
      return complete(...words);
    };

    test("offers the commands, and those within a command", () => {
      const commands = complete("");
      expect(commands).toEqual(expect.arrayContaining(["serve", "dev", "migrate", "admin", "completion"]));
      expect(complete("adm")).toEqual(["admin"]);
      expect(complete("admin", "inspect", "")).toEqual(
        expect.arrayContaining(["conversation", "message", "user"]),
      );
      expect(complete("admin", "inspect", "")).not.toContain("serve");
    });

    test("offers the options of the command, not those of others", () => {
      const options = complete("serve", "--");
      expect(options).toEqual(expect.arrayContaining(["--port", "--data-dir", "--log-level", "--help"]));
      expect(options).not.toContain("--offset");
      expect(complete("admin", "inspect", "user", "--off")).toEqual(["--offset"]);
    });

    test("offers the values of an option that takes one of a few words, also after =", () => {
      expect([...complete("serve", "--log-format", "")].sort()).toEqual(["json", "pretty"]);
      expect(complete("serve", "--port", "1", "--log-level", "wa")).toEqual(["warn"]);
      expect(complete("serve", "--log-level=wa").map((word) => word.replace("--log-level=", ""))).toEqual([
        "warn",
      ]);
      expect([...complete("completion", "")].filter((word) => !word.startsWith("-")).sort()).toEqual([
        "bash",
        "fish",
        "zsh",
      ]);
    });

    test("offers no options where a value is wanted that it cannot know", () => {
      const offered = complete("serve", "--data-dir", "").filter((word) => word !== "a-file.pem");
      expect(offered.filter((word) => word.startsWith("-") || word === "serve")).toEqual([]);
    });
  });
}

test("bash is here to be tested in", () => {
  expect(shells).toContain("bash");
});

test("another shell is refused by the names of those there are", () => {
  const { exitCode, stderr } = Bun.spawnSync([...serverCommand(), "completion", "tcsh"], { env });
  expect(exitCode).toBe(2);
  expect(stderr.toString()).toContain("Allowed choices are bash, zsh, fish.");
});
