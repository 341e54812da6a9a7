export interface TestCounts {
  readonly passed: number;
  /** Failed, skipped or left to do: what did not run has not passed. */
  readonly failed: number;
}

/** Reads the totals of bun's junit report: the attributes of its root element. */
export function countTests(junit: string): TestCounts {
  const root = /<testsuites\s[^>]*>/.exec(junit)?.[0];
  if (!root) throw new Error("the junit report has no <testsuites> element");
  const number = (name: string) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const failed = number("failures") + number("errors") + number("skipped");
  return { passed: Math.max(0, number("tests") - failed), failed };
}
