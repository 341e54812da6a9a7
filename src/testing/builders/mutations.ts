import { Fields, type JsonTree, treeOf, Written, writeTree } from "./json-tree.ts";
import type { Random } from "./random.ts";

/** Names that mean something to the server, or to JavaScript. */
export interface Dictionary {
  readonly topics: readonly string[];
  readonly events: readonly string[];
  readonly fields: readonly string[];
  readonly ids: readonly string[];
}

const numbers =
  "0 -1 -0 1 2147483648 4294967295 4294967296 9007199254740991 9007199254740993 3.5 1e308 1e400 -1e400 1e-400 1e140000"
    .split(" ")
    .map((text) => new Written(text));

const strings: readonly JsonTree[] = [
  "",
  " ",
  "0",
  "4294967295",
  "4294967296",
  "00000000001",
  "\u0000",
  "a\u0000b",
  "\u202eabc",
  "👩‍👩‍👧‍👦 é ﷺ",
  "\uffff\ufffe",
  "__proto__",
  "null",
  "'; drop table messages; --",
  new Written('"\\ud800"'),
  new Written('"\\udc00\\ud800"'),
  new Written('"\\ud83d\\ude00"'),
];

const shapes: readonly JsonTree[] = [
  true,
  false,
  null,
  [],
  [[]],
  new Fields([]),
  new Written('{"__proto__":{"content":"x"}}'),
  new Written('{"constructor":{"prototype":null},"toString":1,"toJSON":2,"then":3}'),
  new Written('{"type":"Buffer","data":[1,2,3]}'),
];

/** Changes valid frames and bodies into nearly valid ones. Which ones, its random decides. */
export class Mutations {
  readonly random: Random;
  readonly #dictionary: Dictionary;

  constructor(options: { readonly random: Random; readonly dictionary: Dictionary }) {
    this.random = options.random;
    this.#dictionary = options.dictionary;
  }

  /** A text frame: one to three changes of its structure, now and then a broken text. */
  frame(recorded: string): string {
    const parts = treeOf(JSON.parse(recorded)) as JsonTree[];
    for (let left = 1 + this.random.below(3); left > 0; left--) this.#changeFrame(parts);
    const text = writeTree(parts);
    return this.random.chance(0.15) ? this.text(text) : text;
  }

  /** A body, likewise. */
  body(recorded: string): string {
    let tree = treeOf(JSON.parse(recorded));
    for (let left = 1 + this.random.below(2); left > 0; left--) tree = this.#changed(tree);
    const text = writeTree(tree);
    return this.random.chance(0.15) ? this.text(text) : text;
  }

  /** Cut, doubled or with another character in it. Stays ASCII where it was, so that it is still UTF-8. */
  text(text: string): string {
    const at = this.random.below(text.length + 1);
    const end = at + this.random.below(8);
    switch (this.random.below(4)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(0, at) + text.slice(end);
      case 2:
        return text.slice(0, end) + text.slice(at);
      default:
        return text.slice(0, at) + String.fromCharCode(this.random.below(128)) + text.slice(at + 1);
    }
  }

  /** A binary frame: bytes flipped, cut, or lengths that lie. */
  bytes(recorded: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(recorded);
    for (let left = 1 + this.random.below(3); left > 0; left--) {
      const at = this.random.chance(0.4) ? this.random.below(5) : this.random.below(bytes.length);
      bytes[at] = this.random.chance(0.5) ? this.random.below(256) : bytes[at]! ^ (1 << this.random.below(8));
    }
    return this.random.chance(0.2) ? bytes.subarray(0, this.random.below(bytes.length + 1)) : bytes;
  }

  /** What may stand where an id, a number or a cursor is expected. */
  word(): string {
    const odd = this.random.pick([...strings, ...numbers]);
    if (this.random.chance(0.4)) return this.random.pick(this.#dictionary.ids);
    return odd instanceof Written ? odd.text : String(odd);
  }

  #changeFrame(parts: JsonTree[]): void {
    const { topics, events } = this.#dictionary;
    switch (this.random.below(12)) {
      case 0:
        parts[this.random.below(2)] = this.#ref();
        return;
      case 1:
        parts[2] = this.random.chance(0.8) ? this.random.pick(topics) : this.#odd();
        return;
      case 2:
        parts[3] = this.random.chance(0.8) ? this.random.pick(events) : this.#odd();
        return;
      case 3:
        parts[this.random.below(5)] = this.#odd();
        return;
      case 4:
        return this.#resize(parts);
      default:
        parts[4] = this.#changed(parts[4] ?? null);
    }
  }

  #ref(): JsonTree {
    const odd = ["", "1", "9".repeat(255), "9".repeat(256), "\u00e9\u0000\u2028", 7, 1.5, -1, null];
    return this.random.chance(0.7) ? (odd[this.random.below(odd.length)] ?? null) : this.#odd();
  }

  #resize(parts: JsonTree[]): void {
    if (this.random.chance(0.5)) parts.splice(this.random.below(parts.length + 1), 0, this.#odd());
    else parts.splice(this.random.below(parts.length), 1);
  }

  /** One change somewhere in the tree, the nearer to its root the likelier. */
  #changed(tree: JsonTree): JsonTree {
    if (tree instanceof Fields && this.random.chance(0.9)) return this.#changedFields(tree);
    if (Array.isArray(tree) && tree.length > 0 && this.random.chance(0.8)) {
      const at = this.random.below(tree.length);
      return tree.map((each, index) => (index === at ? this.#changed(each) : each));
    }
    return this.#odd();
  }

  #changedFields({ entries }: Fields): Fields {
    const changed = entries.map(([name, value]): [string, JsonTree] => [name, value]);
    const entry = changed.length > 0 ? this.random.pick(changed) : undefined;
    const choice = this.random.below(7);
    if (choice === 0 && entry) changed.splice(changed.indexOf(entry), 1);
    else if (choice === 1 && entry) changed.push([entry[0], this.#odd()]);
    else if (choice === 2 && entry) entry[0] = this.random.pick(this.#dictionary.fields);
    else if (choice <= 4 && entry) entry[1] = this.#changed(entry[1]);
    else changed.push([this.random.pick(this.#dictionary.fields), this.#odd()]);
    return new Fields(changed);
  }

  #odd(): JsonTree {
    const choice = this.random.below(20);
    if (choice < 8) return this.random.pick(strings);
    if (choice < 13) return this.random.pick(numbers);
    if (choice < 17) return this.random.pick(shapes);
    if (choice < 19) return this.random.pick(this.#dictionary.ids);
    return this.#large();
  }

  /** Deep or long. Those that cost are rare. */
  #large(): JsonTree {
    const levels = this.random.pick([10, 31, 32, 33, 200]);
    if (this.random.chance(0.8)) return nested(levels);
    if (this.random.chance(0.9)) return "x".repeat(this.random.pick([255, 256, 4_096]));
    return this.random.pick([nested(8_000), nested(60_000), "é".repeat(32_768), "x".repeat(65_537)]);
  }
}

function nested(levels: number): Written {
  return new Written(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
}
