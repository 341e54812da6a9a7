import { CString, dlopen, type Pointer, read } from "bun:ffi";

const lockExclusiveNow = 2 | 4; // LOCK_EX | LOCK_NB
const wouldBlock = 11; // EWOULDBLOCK
const interrupted = 4; // EINTR
const withoutWaiting = 1; // WNOHANG
/** `struct passwd { char *name, *password; uid_t uid; gid_t gid; … }` on 64-bit Linux. */
const passwd = { name: 0, uid: 16, gid: 20 } as const;

/** Bun has no `flock`; through libc it works from source and in the compiled executable alike. */
function openLibc() {
  return dlopen("libc.so.6", {
    flock: { args: ["i32", "i32"], returns: "i32" },
    syncfs: { args: ["i32"], returns: "i32" },
    getpwuid: { args: ["u32"], returns: "ptr" },
    getpwnam: { args: ["cstring"], returns: "ptr" },
    getgrgid: { args: ["u32"], returns: "ptr" },
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

/** A user that this machine knows (`/etc/passwd` and whatever else it asks). */
export interface Account {
  readonly name: string;
  readonly uid: number;
  /** Its primary group. */
  readonly gid: number;
}

export function accountOfUid(uid: number): Account | null {
  return accountAt(libc().getpwuid(uid));
}

export function accountOfName(name: string): Account | null {
  return accountAt(libc().getpwnam(Buffer.from(`${name}\0`)));
}

function accountAt(address: Pointer | bigint | null): Account | null {
  if (address === null) return null;
  const entry = address as Pointer;
  const name = new CString(read.ptr(entry, passwd.name) as Pointer).toString();
  return { name, uid: read.u32(entry, passwd.uid), gid: read.u32(entry, passwd.gid) };
}

export function isKnownGroup(gid: number): boolean {
  return libc().getgrgid(gid) !== null;
}

/** Removes a child that has ended from the table of processes. Does not wait, and does nothing when it has not ended. */
export function reap(pid: number): void {
  libc().waitpid(pid, null, withoutWaiting);
}
