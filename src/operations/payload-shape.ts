import type { Static, TObject, TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import type { Observer } from "../core/ports/observer.ts";
import { type Rejection, reject } from "../core/rejection.ts";
import { anyCaseUuid, keyOf } from "./uuid.ts";

/** One refusal names at most this many problems. */
const maxProblems = 10;
/** The most unknown fields that are counted of one payload, which can have half a million. */
const maxCounted = 100;

/** Receives the number of fields that an operation does not know. */
export type UnknownFields = Pick<Observer, "unknownFields">;

interface Field {
  readonly check: TypeCheck<TSchema>;
  readonly allowed: string;
}

/**
 * The shape of a command's payload: a compiled schema in which each field's `description` says what is allowed. Known fields are strict:
 * nothing is converted or filled in, but ids, which are given in the form that is used as a key. Unknown fields are left out and counted,
 * because a newer client must be able to talk to an older server.
 */
export class PayloadShape<Schema extends TObject> {
  readonly schema: Schema;
  /** Null: fields stand only beside each other. */
  readonly nestedIn: string | null;
  /** Other names of fields, with the field that each names. */
  readonly aliases: ReadonlyMap<string, string>;
  /** A payload as the API documents show it. */
  readonly example: Readonly<Record<string, unknown>>;
  readonly #operation: string;
  /** Without unknown fields: what nearly every payload is. */
  readonly #exact: TypeCheck<Schema>;
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #ids: readonly string[];
  readonly #required: readonly string[];

  /**
   * `nestedIn`: the fields may stand in an object under this name; those that stand beside it win. `aliases`: other names of fields, by
   * the alias; the field's own name wins.
   */
  constructor(options: {
    /** Labels the metric, so it must never hold what a client sent. */
    readonly operation: string;
    readonly schema: Schema;
    readonly nestedIn?: string;
    readonly aliases?: Readonly<Record<string, string>>;
    /** Default: an empty object. */
    readonly example?: Readonly<Record<string, unknown>>;
  }) {
    const { operation, schema, nestedIn = null, aliases = {}, example = {} } = options;
    const properties = Object.entries(schema.properties);
    this.schema = schema;
    this.#operation = operation;
    this.nestedIn = nestedIn;
    this.aliases = new Map(Object.entries(aliases));
    this.example = example;
    this.#exact = TypeCompiler.Compile({ ...schema, additionalProperties: false });
    this.#required = schema.required ?? [];
    this.#ids = properties.filter(([, field]) => holdsId(field)).map(([name]) => name);
    this.#fields = new Map(properties.map(([name, field]) => [name, fieldOf(field)]));
  }

  /** Returns the known fields of a payload, or its refusal. Counts unknown fields. */
  parse(payload: unknown, observer: UnknownFields): Static<Schema> | Rejection {
    return this.#read(payload, observer) ?? this.#refusal(payload);
  }

  /** Null: a field does not fit. */
  #read(payload: unknown, observer: UnknownFields): Static<Schema> | null {
    if (!isPlainObject(payload)) return null;
    if (this.#exact.Check(payload)) return this.#withKeys(payload as Static<Schema>);
    const known = this.#known(payload);
    if (!this.#exact.Check(known)) return null;
    const unknown = this.#countUnknown(payload);
    if (unknown > 0) observer.unknownFields(this.#operation, unknown);
    return this.#withKeys(known as Static<Schema>);
  }

  /** Why a payload does not fit: each field that is wrong or missing with what is allowed. At most ten. */
  #refusal(payload: unknown): Rejection {
    const problems = isPlainObject(payload) ? this.#problems(this.#known(payload)) : [];
    const [first] = problems;
    if (!first) return notAnObject;
    const details = Object.fromEntries(problems.slice(0, maxProblems));
    return reject("invalid_payload", `${first[0]} ${first[1]}.`, { details });
  }

  #problems(known: Fields): readonly [string, string][] {
    const missing = this.#required.filter((name) => !Object.hasOwn(known, name));
    return [
      ...missing.map((name): [string, string] => [name, `is required: ${this.#fields.get(name)?.allowed}`]),
      ...[...this.#fields]
        .filter(([name, { check }]) => Object.hasOwn(known, name) && !check.Check(known[name]))
        .map(([name, { allowed }]): [string, string] => [name, allowed]),
    ];
  }

  /** Those that are given, each from where it wins. */
  #known(payload: Fields): Fields {
    const known: Record<string, unknown> = {};
    for (const source of this.#sources(payload)) {
      for (const name of this.#fields.keys())
        if (!Object.hasOwn(known, name)) take(name, name, source, known);
      for (const [alias, name] of this.aliases)
        if (!Object.hasOwn(known, name)) take(alias, name, source, known);
    }
    return known;
  }

  /** Where fields may stand, the one that wins first. */
  #sources(payload: Fields): readonly Fields[] {
    const inner = nestedOf(payload, this.nestedIn);
    return inner ? [payload, inner] : [payload];
  }

  #countUnknown(payload: Fields): number {
    let count = 0;
    for (const source of this.#sources(payload)) {
      for (const name in source) {
        if (this.#fields.has(name) || this.aliases.has(name)) continue;
        const isNest = source === payload && name === this.nestedIn && isPlainObject(source[name]);
        if (!isNest && ++count === maxCounted) return count;
      }
    }
    return count;
  }

  #withKeys(payload: Static<Schema>): Static<Schema> {
    let keyed: Fields = payload;
    for (const name of this.#ids) {
      const id = keyed[name];
      if (id == null) continue;
      const key = keyOf(id);
      if (key !== id) keyed = { ...keyed, [name]: key };
    }
    return keyed as Static<Schema>;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** A field of a payload in which fields may be nested, before its shape is known. */
export function fieldIn(payload: unknown, name: string, nestedIn: string): unknown {
  if (!isPlainObject(payload)) return undefined;
  if (Object.hasOwn(payload, name)) return payload[name];
  const inner = nestedOf(payload, nestedIn);
  return inner && Object.hasOwn(inner, name) ? inner[name] : undefined;
}

function nestedOf(payload: Fields, nestedIn: string | null): Fields | null {
  if (nestedIn === null || !Object.hasOwn(payload, nestedIn)) return null;
  const inner = payload[nestedIn];
  return isPlainObject(inner) ? inner : null;
}

function take(given: string, name: string, from: Fields, to: Record<string, unknown>): void {
  if (Object.hasOwn(from, given)) to[name] = from[given];
}

function fieldOf(schema: TSchema): Field {
  return { check: TypeCompiler.Compile(schema), allowed: schema.description ?? "" };
}

/** A UUID, perhaps one of several or left out. */
function holdsId({ pattern, anyOf, items }: TSchema): boolean {
  if (pattern === anyCaseUuid || (items && holdsId(items))) return true;
  return Array.isArray(anyOf) && anyOf.some(holdsId);
}

/** Not an array, and not the bytes of a binary push, half a million of which would be looked at as fields. */
function isPlainObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

const notAnObject = reject("invalid_payload", "The payload must be a JSON object.");
