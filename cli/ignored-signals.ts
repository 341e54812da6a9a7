import { readFileSync } from "node:fs";
import { constants } from "node:os";

/**
 * Returns the signals among these that this process was started to ignore: `nohup` does so with SIGHUP, a shell without
 * job control with the SIGINT of what it starts in the background. A listener would end that, so it must be asked before
 * there is one. Linux tells in proc(5); elsewhere none is known.
 */
export function ignoredAmong<Name extends NodeJS.Signals>(signals: readonly Name[]): readonly Name[] {
  const mask = ignoredMask();
  return signals.filter((name) => (mask >> BigInt(constants.signals[name] - 1)) & 1n);
}

function ignoredMask(): bigint {
  try {
    const [, digits] = /^SigIgn:\s*([\da-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return BigInt(`0x${digits ?? 0}`);
  } catch {
    return 0n;
  }
}
