// What bun's junit report says: how many tests passed, and which did not. Not a command of the product.

export interface TestCounts {
  readonly passed: number;
  /** Failed, skipped or left to do: what did not run has not passed. */
  readonly failed: number;
}

export interface FailedTest {
  readonly file: string;
  /** With the names of the groups that it is in. */
  readonly name: string;
  /** The error with its stack, or "skipped". */
  readonly why: string;
}

/** Reads the totals of bun's junit report: the attributes of its root element. */
export function countTests(junit: string): TestCounts {
  const root = /<testsuites\s[^>]*>/.exec(junit)?.[0];
  if (!root) throw new Error("the junit report has no <testsuites> element");
  const number = (name: string) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const failed = number("failures") + number("errors") + number("skipped");
  return { passed: Math.max(0, number("tests") - failed), failed };
}

/** The tests that did not pass, in the order of the report. */
export function failedTests(junit: string): FailedTest[] {
  const found: FailedTest[] = [];
  for (const [, attributes = "", body] of junit.matchAll(/<testcase\s([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)) {
    if (!body || !/<(failure|error|skipped)\b/.test(body)) continue;
    const group = attribute(attributes, "classname");
    const name = attribute(attributes, "name");
    found.push({
      file: attribute(attributes, "file"),
      name: group ? `${group} > ${name}` : name,
      why: reason(body),
    });
  }
  return found;
}

function reason(body: string): string {
  const [, attributes = "", text = ""] = /<(?:failure|error)\s?([^>]*?)(?:\/>|>(.*?)<\/)/s.exec(body) ?? [];
  return (unescaped(text) || attribute(attributes, "message") || "skipped").trim();
}

function attribute(attributes: string, name: string): string {
  return unescaped(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) =>
    code ? String.fromCodePoint(Number(code)) : (entities[name] ?? all),
  );
}
