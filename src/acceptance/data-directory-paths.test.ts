import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../testing/processes/command.ts";
import { freePort, serverCommand, startServer } from "../testing/processes/server.ts";

/** Whatever a data directory is called: no shell runs a part of its name, and nothing lands elsewhere. */

const timeoutMs = 180_000;
const base = mkdtempSync(join(tmpdir(), "whispr-paths-"));
// Whoever a shell of PostgreSQL runs as may make the mark; nobody else may replace what is there.
chmodSync(base, 0o1777);
/** What the names below would make if a shell read them. */
const mark = join(base, "mark");
afterAll(() => rmSync(base, { recursive: true, force: true }), timeoutMs);

const misread: [string, string][] = [
  [`a$(touch ${mark})`, '"$"'],
  [`a\${x:-$(touch ${mark})}`, '"$"'],
  [`a\`touch ${mark}\``, '"`"'],
  [`a"; touch ${mark}; "`, String.raw`"\""`],
  ["a\\", String.raw`"\\"`],
  [`a;touch ${mark}`, '";"'],
  ["a:b", '":"'],
  ["a\u001b[2J", String.raw`"\u001b"`],
];

describe("a data directory that programs would misread is refused by name, and nothing is made or run", () => {
  test.each(misread)("%j", async (name, character) => {
    const parent = mkdtempSync(join(base, "refused-"));
    const { code, err, out } = await runCommand(["dev"], {
      WHISPR_DATA_DIR: join(parent, name),
      PORT: "0",
      ADMIN_PORT: "0",
    });
    expect(err).toContain(
      `its path contains ${character}, which programs that PostgreSQL starts would misread`,
    );
    expect(err).toContain("Choose a path of at most 800 bytes without");
    expect([code, readdirSync(parent), existsSync(mark)]).toEqual([1, [], false]);
    expect(err + out).not.toContain("\u001b");
  });

  test("also behind a link with a plain name", async () => {
    const hidden = join(base, "hidden", `$(touch ${mark})`);
    mkdirSync(hidden, { recursive: true });
    const link = join(base, "plain");
    symlinkSync(hidden, link);
    const { code, err } = await runCommand(["dev"], { WHISPR_DATA_DIR: link, PORT: "0", ADMIN_PORT: "0" });
    expect(err).toContain('its path contains "$"');
    expect([code, readdirSync(hidden), existsSync(mark)]).toEqual([1, [], false]);
  });

  test("a path that PostgreSQL would cut", async () => {
    const parent = mkdtempSync(join(base, "long-"));
    const dataDir = join(parent, ...Array.from({ length: 5 }, () => "l".repeat(200)));
    const { code, err } = await runCommand(["dev"], { WHISPR_DATA_DIR: dataDir, PORT: "0", ADMIN_PORT: "0" });
    expect(err).toContain("its path has more than 800 bytes");
    expect([code, readdirSync(parent)]).toEqual([1, []]);
  });

  test.each([
    ["a line break", "a\\nb"],
    ["bytes that are not UTF-8", "a\\377b"],
  ])("%s", async (_, written) => {
    const script = 'WHISPR_DATA_DIR="$0/$(printf "$1")"; export WHISPR_DATA_DIR; shift; exec "$@" dev';
    const parent = mkdtempSync(join(base, "bytes-"));
    const command = ["sh", "-c", script, parent, written, ...serverCommand()];
    const { exitCode, stderr } = Bun.spawnSync(command, { env: { PATH: process.env.PATH ?? "", PORT: "0" } });
    expect(stderr.toString()).toContain("allowed: a text without line breaks, in UTF-8");
    expect([exitCode, readdirSync(parent)]).toEqual([2, []]);
  });

  test("doctor tells of it beforehand", async () => {
    const { code, out } = await runCommand(["doctor"], { WHISPR_DATA_DIR: join(base, "a$b"), PORT: "0" });
    expect(out).toContain('its path contains "$"');
    expect(code).toBe(1);
  });
});

const harmless: [string, string][] = [
  ["signs of a shell and of printf", "-a 'b' & (c) | <d> %s%n * ? ~ # ! {e} [f], é = @"],
  ["780 bytes", join(...Array.from({ length: 4 }, () => "l".repeat(190))).slice(0, 780 - base.length)],
];

describe("a data directory whose name only looks dangerous serves, is backed up, and the copy serves", () => {
  test.each(harmless)(
    "%s",
    async (_, name) => {
      const dataDir = join(base, name);
      const copy = join(base, "c", name.slice(0, 700));
      for (const directory of [dataDir, copy]) {
        const port = await freePort();
        // Relative: the leading dash comes first.
        const environment = { WHISPR_DATA_DIR: directory.slice(base.length + 1) };
        await using server = await startServer({ arguments: ["dev"], environment, port, directory: base });
        if (directory === dataDir) {
          const { code, err } = await runCommand(["admin", "backup", copy], { WHISPR_DATA_DIR: dataDir });
          expect([code, err]).toEqual([0, ""]);
        }
        expect((await server.end("SIGTERM")).code).toBe(0);
      }
      expect(existsSync(mark)).toBe(false);
    },
    timeoutMs,
  );

  test("a backup into a directory that no whispr-msg could start on is refused", async () => {
    const port = await freePort();
    const dataDir = join(base, "original");
    await using server = await startServer({
      arguments: ["dev"],
      environment: { WHISPR_DATA_DIR: dataDir },
      port,
    });
    const target = join(base, `copy$(touch ${mark})`);
    const { code, err } = await runCommand(["admin", "backup", target], { WHISPR_DATA_DIR: dataDir });
    expect(err).toContain('its path contains "$"');
    expect([code, existsSync(target), existsSync(mark)]).toEqual([1, false, false]);
    expect((await server.end("SIGTERM")).code).toBe(0);
  }, 180_000);
});
