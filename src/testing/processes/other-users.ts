import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** For tests that root runs: what other users of the machine can do. */

export const nobody = 65_534;
/** Has no name. */
export const someone = 65_500;

/** A directory that every user may enter. The caller removes it. */
export function openDirectory(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(directory, 0o755);
  return directory;
}

export function openToGroup(directory: string): void {
  chownSync(directory, 0, someone);
  chmodSync(directory, 0o775);
}

export function replaceByLink(path: string, target: string): void {
  rmSync(path, { recursive: true, force: true });
  symlinkSync(target, path);
}

/** Leaves a mark when somebody runs it. */
export function plantProgram(path: string, mark: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
}

/** As `chown -R` does it, links themselves and not what they lead to. */
export function giveAll(directory: string, uid: number): void {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true }))
    lchownSync(join(entry.parentPath, entry.name), uid, uid);
  chownSync(directory, uid, uid);
}

/** Runs a script of the shell as that user, without other groups. Returns what it printed. */
export function as(uid: number, script: string): string {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const ran = spawnSync("setpriv", [...user, "sh", "-c", script], { cwd: "/", encoding: "utf8" });
  return ran.stdout + ran.stderr;
}

/**
 * What the database says to a user who asks to be let in as that role; the packet is libpq's first one. `base`: a directory that the user may
 * enter.
 */
export function knock(base: string, socket: string, role: string, uid: number): string {
  const runtime = join(base, "bun");
  if (!existsSync(runtime)) copyFileSync(process.execPath, runtime);
  chmodSync(runtime, 0o755);
  const script = join(base, "knock.js");
  writeFileSync(
    script,
    `const words = Buffer.from("user\\0${role}\\0database\\0postgres\\0\\0");
const head = Buffer.alloc(8);
head.writeInt32BE(8 + words.length);
head.writeInt32BE(196608, 4);
const socket = require("node:net").connect("${socket}/.s.PGSQL.5432");
socket.on("error", (error) => console.log(error.code));
socket.on("connect", () => socket.write(Buffer.concat([head, words])));
socket.on("data", (data) => console.log(data.toString("latin1")));`,
  );
  return as(uid, `${runtime} ${script}`);
}
