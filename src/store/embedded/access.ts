import { chmodSync, rmSync, writeFileSync } from "node:fs";
import type { Layout } from "./layout.ts";
import type { RunAs } from "./run-as.ts";

/**
 * Who may connect: the user of this process and root, as the kernel says of the other end of the socket (`peer`). There is no password that
 * could be read, guessed or left in a log. The files lie beside the database, where PostgreSQL's user may read and not write them; those
 * that `initdb` left in it are not read, and serve versions up to 0.4 if somebody goes back to one.
 */
export function writeAccess(layout: Layout, { clients }: RunAs): void {
  replace(layout.access, `# Written at each start by whispr-msg.\nlocal all all peer map=whispr\n`);
  const names = clients.map((name) => `whispr ${quoted(name)} all\n`);
  replace(layout.accessNames, `# Written at each start by whispr-msg.\n${names.join("")}`);
}

/** A name in quotes is itself, not a pattern, unless it begins with a slash: no account's does. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function replace(path: string, text: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600, flag: "wx" });
  // Whatever our umask is.
  chmodSync(path, 0o644);
}

/** What tells PostgreSQL to read them. */
export function accessSettings({ access, accessNames }: Layout): Record<string, string> {
  return { hba_file: access, ident_file: accessNames };
}
