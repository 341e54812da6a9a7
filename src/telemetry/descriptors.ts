import { readdirSync, readFileSync, statSync } from "node:fs";

const ofThisProcess = "/proc/self/fd";

/** Files and connections that this process has open. Cheap from Linux 6.2 on; before that it lists all of them. */
export function openDescriptors(): number {
  try {
    return statSync(ofThisProcess).size || readdirSync(ofThisProcess).length - 1;
  } catch (error) {
    // Without one left, not even their list can be opened.
    return error instanceof Error && "code" in error && error.code === "EMFILE"
      ? Number.POSITIVE_INFINITY
      : 0;
  }
}

/** How many it may have open. Bun has raised it as far as the system allows (the hard limit). */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(soft) || Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
