import { hostname } from "node:os";
import type { Config } from "../src/config.ts";
import { nameOf } from "./explain.ts";
import { complain } from "./print.ts";

/** Notes for the security log that this user of the machine runs this command. Never throws: a failure must not stop the command. */
export async function noteCommand(
  config: Config,
  url: string,
  { command, target = "" }: { readonly command: string; readonly target?: string },
): Promise<void> {
  const { noteAdminCommand } = await import("../src/store/admin-trail.ts");
  try {
    const { accountOfUid } = await import("../src/store/embedded/libc.ts");
    const uid = process.getuid?.() ?? -1;
    // Not `os.userInfo()`, which trusts the environment. A uid in a container may have no name.
    const os_user = accountOfUid(uid)?.name ?? "";
    const said = { command, target, os_user, uid, host: hostname(), database: nameOf(config) };
    await noteAdminCommand(url, said);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    complain(`warning: this command is not in the security log (${reason}).`);
  }
}
