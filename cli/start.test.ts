import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A clone in which npm, or what stands between it and the registry, gives something else than Bun. */

const root = join(import.meta.dir, "..");
const base = mkdtempSync(join(tmpdir(), "whispr-start-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** With an npm that leaves this archive for whatever it is asked to fetch. */
function clone(name: string, archive: Uint8Array): { readonly directory: string; readonly path: string } {
  const directory = join(base, name);
  const tools = join(directory, "programs");
  mkdirSync(tools, { recursive: true });
  for (const file of ["package.json", "bun.lock"]) cpSync(join(root, file), join(directory, file));
  cpSync(join(root, "cli/start.mjs"), join(directory, "cli/start.mjs"));
  writeFileSync(join(directory, "given"), archive);
  writeFileSync(join(tools, "npm"), `#!/bin/sh\ncp "${directory}/given" "$4/fetched.tgz"\n`);
  chmodSync(join(tools, "npm"), 0o755);
  return { directory, path: `${tools}:${process.env.PATH}` };
}

function start({ directory, path }: ReturnType<typeof clone>) {
  const ran = Bun.spawnSync(["node", join(directory, "cli/start.mjs"), "--version"], {
    env: { PATH: path, HOME: directory },
  });
  return { code: ran.exitCode, err: ran.stderr.toString() };
}

test("a Bun that is not the one of bun.lock is not run, and the refusal says what to look at", async () => {
  const mark = join(base, "ran");
  const tar = new Bun.Archive({ "package/bin/bun": `#!/bin/sh\ntouch ${mark}\n` });
  const tampered = clone("tampered", Bun.gzipSync(await tar.bytes()));
  const { code, err } = start(tampered);
  expect(code).toBe(1);
  expect(err).toMatch(
    /is not what bun\.lock pins, and was not run\.\n {2}pinned {2}sha512-\S+\n {2}fetched sha512-/,
  );
  expect(err).toContain("npm config get registry");
  expect(existsSync(mark)).toBe(false);
  expect(readdirSync(join(tampered.directory, ".tools"))).toEqual([]);
});

test("a version that bun.lock does not know is not fetched", async () => {
  const other = clone("other", new Uint8Array());
  const manifest = await Bun.file(join(other.directory, "package.json")).json();
  manifest.devDependencies.bun = "1.0.0";
  writeFileSync(join(other.directory, "package.json"), JSON.stringify(manifest));
  const { code, err } = start(other);
  expect(code).toBe(1);
  expect(err).toMatch(/bun\.lock has no checksum of @oven\/bun-\S+ 1\.0\.0.*git checkout/);
});
