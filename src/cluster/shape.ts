/**
 * How values of a type stand on the wire: as JSON values without names and maps. A record is the list of its fields in the order in which
 * its shape names them. Fields may be added at the end of a record when they are optional: older nodes do not look at them, and what an
 * older node leaves out is absent. A record that holds the fields of another one names them last.
 */
export interface Shape<T> {
  encode(value: T): unknown;
  /** Throws `Malformed`. */
  decode(wire: unknown): T;
}

/** The shape of a field that may be absent; it is never null. */
export interface OptionalShape<T> {
  readonly optional: Shape<T>;
}

/** Thrown for a value that does not have the shape. Stays in this folder: the codec returns it as a refusal. */
export class Malformed extends Error {}

function plain<T>(what: string, is: (wire: unknown) => boolean): Shape<T> {
  return {
    encode: (value) => value,
    decode(wire) {
      if (!is(wire)) throw new Malformed(`${what} was expected`);
      return wire as T;
    },
  };
}

export const text = plain<string>("a text", (wire) => typeof wire === "string");
export const flag = plain<boolean>("true or false", (wire) => typeof wire === "boolean");
/** Whole numbers up to 2^53: sequence numbers, revisions, microseconds. */
export const whole = plain<number>(
  "a whole number",
  (wire) => Number.isSafeInteger(wire) && !Object.is(wire, -0),
);

export function oneOf<const T extends string>(...names: readonly T[]): Shape<T> {
  const known = new Set<unknown>(names);
  return plain<T>(`one of ${names.join(", ")}`, (wire) => known.has(wire));
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    encode: (value) => (value === null ? null : shape.encode(value)),
    decode: (wire) => (wire === null ? null : shape.decode(wire)),
  };
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return { optional: shape };
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return {
    encode: (values) => values.map(shape.encode),
    decode: (wire) => listed(wire).map(shape.decode),
  };
}

export function pair<T>(shape: Shape<T>): Shape<readonly [T, T]> {
  return {
    encode: ([one, other]) => [shape.encode(one), shape.encode(other)],
    decode(wire) {
      const [one, other] = listed(wire);
      return [shape.decode(one), shape.decode(other)];
    },
  };
}

/** A map whose keys stand in its values. */
export function byKey<T>(shape: Shape<T>, keyOf: (value: T) => string): Shape<ReadonlyMap<string, T>> {
  return {
    encode: (values) => Array.from(values.values(), shape.encode),
    decode: (wire) =>
      new Map(
        listed(wire)
          .map(shape.decode)
          .map((value) => [keyOf(value), value]),
      ),
  };
}

/** A map from texts, in its order. */
export function mapOf<T>(shape: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return {
    encode: (values) => Array.from(values, ([key, value]) => [key, shape.encode(value)]),
    decode: (wire) => new Map(listed(wire).map((entry) => entryOf(entry, shape))),
  };
}

/** An object of texts by name. */
export const texts: Shape<Readonly<Record<string, string>>> = {
  encode: (values) => Object.entries(values),
  decode: (wire) => Object.fromEntries(listed(wire).map((entry) => entryOf(entry, text))),
};

/** Each field of `T`, none left out. */
export type Fields<T> = {
  readonly [Name in keyof T]-?: object extends Pick<T, Name>
    ? OptionalShape<Exclude<T[Name], undefined>>
    : Shape<T[Name]>;
};

type AnyField = Shape<unknown> | OptionalShape<unknown>;

export function record<T extends object>(fields: Fields<T>): Shape<T> {
  const named = Object.entries<AnyField>(fields);
  return {
    encode: (value) =>
      named.map(([name, field]) => encodeField(field, (value as Readonly<Record<string, unknown>>)[name])),
    decode(wire) {
      const values = listed(wire);
      const decoded: Record<string, unknown> = {};
      named.forEach(([name, field], at) => {
        if (!("optional" in field)) decoded[name] = field.decode(values[at]);
        else if (values[at] != null) decoded[name] = field.optional.decode(values[at]);
      });
      return decoded as T;
    },
  };
}

/** The fields of a member of a union without its `type`. */
export type Rest<T, Name> = T extends { readonly type: infer Type }
  ? Name extends Type
    ? Omit<T, "type">
    : never
  : never;

/** A union by `type`: the name first. */
export function variants<T extends { readonly type: string }>(
  shapes: {
    readonly [Name in T["type"]]: Shape<Rest<T, Name>>;
  },
): Shape<T> {
  const known = new Map(Object.entries(shapes as unknown as Readonly<Record<string, Shape<never>>>));
  return {
    encode: (value) => [value.type, known.get(value.type)!.encode(value as never)],
    decode(wire) {
      const [type, rest] = listed(wire);
      const shape = known.get(type as string);
      if (!shape) throw new Malformed(`one of ${[...known.keys()].join(", ")} was expected`);
      return { type, ...(shape.decode(rest) as object) } as unknown as T;
    },
  };
}

function encodeField(field: AnyField, value: unknown): unknown {
  if (!("optional" in field)) return field.encode(value);
  return value === undefined ? null : field.optional.encode(value);
}

function listed(wire: unknown): readonly unknown[] {
  if (!Array.isArray(wire)) throw new Malformed("a list was expected");
  return wire;
}

function entryOf<T>(wire: unknown, shape: Shape<T>): readonly [string, T] {
  const [key, value] = listed(wire);
  return [text.decode(key), shape.decode(value)];
}
