/** What was seen that is not documented, until the end of the test during which it was. */
const noted = new Set<string>();

/** `problem`: null where all was documented. */
export function note(problem: string | null): void {
  if (problem !== null) noted.add(problem);
}

/** Returns what was noted since it was asked last. */
export function takeNoted(): readonly string[] {
  const taken = [...noted];
  noted.clear();
  return taken;
}
