import { hostname, userInfo } from "node:os";
import type { Config } from "../src/config.ts";
import { nameOf } from "./explain.ts";
import { complain } from "./print.ts";

/** For the security log: that this command is run by this user of the machine. Never throws: a command is not refused for its note. */
export async function noteCommand(
  config: Config,
  url: string,
  { command, target = "" }: { readonly command: string; readonly target?: string },
): Promise<void> {
  const { noteAdminCommand } = await import("../src/store/admin-trail.ts");
  const uid = process.getuid?.() ?? -1;
  const said = { command, target, os_user: userName(), uid, host: hostname(), database: nameOf(config) };
  try {
    await noteAdminCommand(url, said);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    complain(`warning: this command is not in the security log (${reason}).`);
  }
}

/** A uid in a container may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
