/** Undocumented things that were received, until the end of the test. */
const noted = new Set<string>();

/** `problem`: null if everything was documented. */
export function note(problem: string | null): void {
  if (problem !== null) noted.add(problem);
}

/** Returns what was noted since the last call. */
export function takeNoted(): readonly string[] {
  const taken = [...noted];
  noted.clear();
  return taken;
}
