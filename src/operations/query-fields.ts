import { type TSchema, Type } from "@sinclair/typebox";
import { parseInstant } from "../core/instant.ts";
import type { HistoryCursor } from "../core/queries.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";
import { refusedField } from "./refused-field.ts";
import { readUuid } from "./uuid.ts";

/** One parameter of a query. Queries are texts: nothing is coerced by a library, and each field reads its own. */
export interface QueryField<Value = unknown> {
  readonly schema: TSchema;
  /** `text`: null where the query does not name the parameter. */
  read(text: string | null, name: string): Value | Rejection;
}

export type QueryFields = Readonly<Record<string, QueryField>>;

type Read<Fields extends QueryFields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends QueryField<infer Value> ? Value : never;
};

/** The values of all fields, or the refusal of the first one that is wrong. */
export function readQuery<Fields extends QueryFields>(
  fields: Fields,
  query: URLSearchParams,
): Read<Fields> | Rejection {
  const values: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name]!.read(query.get(name), name);
    if (isRejection(value)) return value;
    values[name] = value;
  }
  return values as Read<Fields>;
}

export const noQuery = {} as const satisfies QueryFields;

/** A number as it may stand in a query: digits only, so that nothing is rounded or coerced. */
const digits = /^[0-9]{1,15}$/;
const maxNumber = 10 ** 15 - 1;

/** How many items a page may have. What is over the maximum is the maximum, however many digits it has: a page says itself whether there is more. */
export function limit(maximum: number, absent: number): QueryField<number> {
  return {
    schema: Type.Integer({
      minimum: 1,
      default: absent,
      description: `How many items the page may have; at most ${maximum} are given at once.`,
    }),
    read(text, name) {
      if (text === null) return absent;
      const given = /^[0-9]+$/.test(text) ? Number(text) : 0;
      if (given >= 1) return Math.min(given, maximum);
      return refusedField(name, `must be an integer from 1; at most ${maximum} are given at once`);
    },
  };
}

export function integer<Absent extends number | null>(options: {
  readonly highest?: number;
  readonly absent: Absent;
  readonly description: string;
}): QueryField<number | Absent> {
  const { highest = maxNumber, absent, description } = options;
  const rest = absent === null ? {} : { default: absent };
  return {
    schema: Type.Integer({ minimum: 0, maximum: highest, description, ...rest }),
    read(text, name) {
      if (text === null) return absent;
      const value = digits.test(text) ? Number(text) : Number.NaN;
      return value <= highest ? value : refusedField(name, `must be an integer from 0 to ${highest}`);
    },
  };
}

/** A place in the history: a `sent_at` in ISO 8601, a message's id or a seq. Null: the query names none. */
export function historyCursor(description: string): QueryField<HistoryCursor | null> {
  return {
    schema: Type.String({
      description: `${description} A sent_at in ISO 8601, the id of a message or a seq.`,
      examples: ["120", "2026-12-01T08:30:00.123456Z"],
    }),
    read(text, name) {
      if (text === null) return null;
      if (digits.test(text)) return { by: "seq", seq: Number(text) };
      const id = readUuid(text);
      if (id) return { by: "id", id };
      const timeUs = parseInstant(text);
      if (timeUs !== null) return { by: "time", timeUs };
      return refusedField(name, "must be a sent_at in ISO 8601, the id of a message or a seq");
    },
  };
}

/** An id in any case, in the form that is used as a key. Null: the query names none. */
export function id(description: string, allowed: string): QueryField<string | null> {
  return {
    schema: Type.String({ format: "uuid", description }),
    read(text, name) {
      if (text === null) return null;
      return readUuid(text) ?? refusedField(name, allowed);
    },
  };
}

/** Given as it stands; null: absent. What it means is the operation's to read. */
export function text(schema: TSchema): QueryField<string | null> {
  return { schema, read: (given) => given };
}

/** Accepted and not read: the token says it already. */
export function ignoredParameter(description: string): QueryField<null> {
  return { schema: Type.String({ description }), read: () => null };
}

/** Known and refused, so that nobody believes that it had an effect. */
export function laterParameter(): QueryField<null> {
  return {
    schema: { ...Type.String(), undocumented: true },
    read: (given, name) => (given === null ? null : refusedField(name, "comes with a later version")),
  };
}
