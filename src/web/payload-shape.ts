import type { Static, TObject } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import { type Rejection, reject } from "../core/rejection.ts";

/** More problems than this are not told of: one payload can have half a million unknown fields. */
const maxProblems = 10;
const maxNameLength = 64;

/**
 * The shape of a command's payload: a strict schema, compiled, in which each field's `description` says what is allowed.
 * Nothing is converted, removed or filled in.
 */
export class PayloadShape<Schema extends TObject> {
  readonly #whole: TypeCheck<Schema>;
  readonly #fields: ReadonlyMap<string, { readonly check: TypeCheck<Schema>; readonly allowed: string }>;
  readonly #required: readonly string[];

  constructor(schema: Schema) {
    this.#whole = TypeCompiler.Compile(schema);
    this.#required = schema.required ?? [];
    this.#fields = new Map(
      Object.entries(schema.properties).map(([name, field]) => [
        name,
        {
          check: TypeCompiler.Compile(field) as unknown as TypeCheck<Schema>,
          allowed: field.description ?? "",
        },
      ]),
    );
  }

  /** The bytes of a binary push are none, before half a million of them are looked at as fields. */
  fits(payload: unknown): payload is Static<Schema> {
    return isPlainObject(payload) && this.#whole.Check(payload);
  }

  /** Why a payload does not fit: each field that is wrong, missing or unknown with what is allowed. At most ten. */
  refusal(payload: unknown): Rejection {
    const problems = this.#problems(payload);
    const [first] = Object.entries(problems);
    if (!first) return notAnObject;
    return reject("invalid_payload", `${first[0]} ${first[1]}.`, { details: problems });
  }

  #problems(payload: unknown): Readonly<Record<string, string>> {
    if (!isPlainObject(payload)) return {};
    const found = [...this.#missing(payload), ...this.#wrong(payload)];
    return Object.fromEntries(found.slice(0, maxProblems));
  }

  #missing(payload: object): [string, string][] {
    return this.#required
      .filter((name) => !Object.hasOwn(payload, name))
      .map((name) => [name, `is required: ${this.#fields.get(name)?.allowed}`]);
  }

  #wrong(payload: Readonly<Record<string, unknown>>): [string, string][] {
    const found: [string, string][] = [];
    for (const name in payload) {
      if (found.length === maxProblems) break;
      const field = this.#fields.get(name);
      if (!field) found.push([shortName(name), `is not a field here; allowed are ${this.#names()}`]);
      else if (!field.check.Check(payload[name])) found.push([name, field.allowed]);
    }
    return found;
  }

  #names(): string {
    return [...this.#fields.keys()].join(", ");
  }
}

/** Not an array, and not the bytes of a binary push. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function shortName(name: string): string {
  return name.slice(0, maxNameLength).toWellFormed();
}

const notAnObject = reject("invalid_payload", "The payload must be a JSON object.");
