/** For work that takes as long as the machine takes for it: polls until `done` has grown to `enough`, or throws once it has stood still. */
export async function reaches(
  what: string,
  done: () => number,
  enough: number,
  stillMs = 60_000,
): Promise<void> {
  while (done() < enough) {
    const before = done();
    await eventually(`${what}: ${before} of ${enough}`, () => done() > before, stillMs);
  }
}

/**
 * Polls until the condition holds, or throws with what was awaited once `withinMs` have passed. The deadline is for what never comes: it is
 * far beyond what a machine under load needs, and costs nothing where the condition holds.
 */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
