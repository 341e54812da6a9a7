/**
 * JSON as it may be written, not as it may be read: a key may come twice or be `__proto__`, a number may be `1e400`, a string
 * may hold half a surrogate pair. For tests that send what no library would.
 */
export type JsonTree = Written | JsonTree[] | Fields | string | number | boolean | null;

/** JSON text that is written as it is. */
export class Written {
  constructor(readonly text: string) {}
}

export class Fields {
  constructor(readonly entries: [name: string, value: JsonTree][]) {}

  set(name: string, value: JsonTree): void {
    const entry = this.entries.find(([each]) => each === name);
    if (entry) entry[1] = value;
    else this.entries.push([name, value]);
  }
}

export function treeOf(value: unknown): JsonTree {
  if (Array.isArray(value)) return value.map(treeOf);
  if (typeof value !== "object" || value === null) return value as JsonTree;
  return new Fields(Object.entries(value).map(([name, each]) => [name, treeOf(each)]));
}

export function writeTree(tree: JsonTree): string {
  if (tree instanceof Written) return tree.text;
  if (Array.isArray(tree)) return `[${tree.map(writeTree).join()}]`;
  if (tree instanceof Fields) {
    return `{${tree.entries.map(([name, value]) => `${JSON.stringify(name)}:${writeTree(value)}`).join()}}`;
  }
  return JSON.stringify(tree);
}
