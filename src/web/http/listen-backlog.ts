import { dlopen } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The kernel takes at most `net.core.somaxconn` of it: 4,096 by default. */
const backlog = 4_096;
/** A socket that listens, in /proc/net/tcp. */
const listening = "0A";

/**
 * Lets more connections wait until they are accepted: Bun asks for 512 (1.4.5), and what comes beyond is dropped by the kernel in silence, so that
 * its clients try again after 1, 3 and 7 s. Clients that return all at once are more than that. `listen` may be called again on a socket that
 * listens (Linux). False: not done, and nothing is worse than it was.
 */
export function widenBacklog(port: number): boolean {
  try {
    const descriptors = descriptorsOf(port);
    if (descriptors.length === 0) return false;
    const { symbols, close } = dlopen("libc.so.6", { listen: { args: ["i32", "i32"], returns: "i32" } });
    const results = descriptors.map((descriptor) => symbols.listen(descriptor, backlog));
    close();
    return results.every((result) => result === 0);
  } catch {
    return false;
  }
}

/** Returns the descriptors of this process that listen on the port. */
function descriptorsOf(port: number): readonly number[] {
  const inodes = new Set(
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"].flatMap((path) => inodesOf(path, port)),
  );
  return readdirSync("/proc/self/fd").flatMap((name) => {
    const inode = /^socket:\[(\d+)\]$/.exec(targetOf(`/proc/self/fd/${name}`))?.[1];
    return inode !== undefined && inodes.has(inode) ? [Number(name)] : [];
  });
}

function inodesOf(path: string, port: number): readonly string[] {
  const rows = readFileSync(path, "utf8").split("\n").slice(1);
  return rows.flatMap((row) => {
    const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
    const isOurs = state === listening && Number.parseInt(local?.split(":")[1] ?? "", 16) === port;
    return isOurs && inode ? [inode] : [];
  });
}

/** Returns the target of a link; empty: the descriptor was closed meanwhile. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
