import { dlopen, read } from "bun:ffi";

const lockExclusiveNow = 2 | 4; // LOCK_EX | LOCK_NB
const wouldBlock = 11; // EWOULDBLOCK
const interrupted = 4; // EINTR
const withoutWaiting = 1; // WNOHANG
const groupIdOffset = 20; // struct passwd { char *name, *password; uid_t uid; gid_t gid; … } on 64-bit Linux

/** Bun has no `flock`; through libc it works from source and in the compiled executable alike. */
function openLibc() {
  return dlopen("libc.so.6", {
    flock: { args: ["i32", "i32"], returns: "i32" },
    syncfs: { args: ["i32"], returns: "i32" },
    getpwuid: { args: ["u32"], returns: "ptr" },
    waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  }).symbols;
}

let opened: ReturnType<typeof openLibc> | undefined;

function libc(): ReturnType<typeof openLibc> {
  opened ??= openLibc();
  return opened;
}

export type FlockResult = "taken" | "held" | "unsupported";

/** Takes the exclusive lock of an open file without waiting. */
export function flock(fd: number): FlockResult {
  if (libc().flock(fd, lockExclusiveNow) === 0) return "taken";
  const address = libc().__errno_location();
  const errno = address === null ? wouldBlock : read.i32(address, 0);
  return errno === wouldBlock || errno === interrupted ? "held" : "unsupported";
}

/**
 * Makes everything on the file system of an open file durable, in one go where a thousand new files would each ask for a
 * turn of the disk. Waits.
 */
export function syncFileSystem(fd: number): boolean {
  return libc().syncfs(fd) === 0;
}

/** The primary group of a user that this machine knows (`/etc/passwd` and whatever else it asks), else null. */
export function groupOfUser(uid: number): number | null {
  const entry = libc().getpwuid(uid);
  return entry === null ? null : read.u32(entry, groupIdOffset);
}

/** Removes a child that has ended from the table of processes. Does not wait, and does nothing when it has not ended. */
export function reap(pid: number): void {
  libc().waitpid(pid, null, withoutWaiting);
}
