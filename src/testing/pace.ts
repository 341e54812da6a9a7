const burnMs = 20;

/**
 * A promise about speed, on a machine that other programs use too: returns the bound for what takes `idleMs` on an idle one. Measures how
 * much wall time the machine gives for CPU time at this moment, so that a busy one widens the bound by as much. What is promised may take
 * `slack` times longer by chance, too.
 */
export function paced(idleMs: number, slack = 5): number {
  return idleMs * slack * slowdown();
}

/** Wall time per CPU time of this process, at least 1. Burns 20 ms of CPU. */
function slowdown(): number {
  const startedMs = performance.now();
  const started = process.cpuUsage();
  let usedMs = 0;
  while (usedMs < burnMs) {
    const { user, system } = process.cpuUsage(started);
    usedMs = (user + system) / 1_000;
  }
  return Math.max(1, (performance.now() - startedMs) / usedMs);
}
