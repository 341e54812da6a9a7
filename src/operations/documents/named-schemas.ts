import type { TSchema } from "@sinclair/typebox";
import { anyCaseUuid } from "../uuid.ts";
import { sentence } from "./sentence.ts";

export type Json = Readonly<Record<string, unknown>>;

/**
 * The schemas of one document, as JSON Schema for people. A schema with an `$id` is written once, under its name, and referred to by
 * `prefix` and name. Fields that are marked `undocumented` are left out; `about` says what
 * a field means, where its description is the rule that refusals quote.
 */
export class NamedSchemas {
  readonly #prefix: string;
  readonly #named = new Map<string, Json>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Returns what to write where the schema is used: a reference if it has a name, else the schema. */
  of(schema: TSchema): Json {
    const { $id: name } = schema;
    if (name === undefined) return this.#written(schema);
    if (!this.#named.has(name)) {
      this.#named.set(name, {});
      this.#named.set(name, this.#written(schema));
    }
    return { $ref: this.#prefix + name };
  }

  /** The named schemas that were used so far, by name. */
  all(): Readonly<Record<string, Json>> {
    return Object.fromEntries([...this.#named].sort(([one], [other]) => one.localeCompare(other)));
  }

  #written(schema: TSchema): Json {
    const { $id: _id, anyOf, properties, required, items, patternProperties, ...rest } = schema;
    const { additionalProperties, description, about, undocumented: _, pattern, ...plain } = rest;
    const own = { ...described(about, description), ...plain, ...patternOf(pattern) };
    if (anyOf) return { ...own, ...this.#union(flat(anyOf as readonly TSchema[])) };
    const others = additionalProperties ?? onlyOne(patternProperties);
    return {
      ...own,
      ...(properties && this.#fields(properties, required)),
      ...(items && { items: this.of(items as TSchema) }),
      ...(others !== undefined && { additionalProperties: this.#others(others) }),
    };
  }

  #fields(properties: Readonly<Record<string, TSchema>>, required: readonly string[] = []): Json {
    const shown = Object.entries(properties).filter(([, field]) => !field.undocumented);
    const names = required.filter((name) => shown.some(([each]) => each === name));
    return {
      ...(shown.length > 0 && {
        properties: Object.fromEntries(shown.map(([name, field]) => [name, this.of(field)])),
      }),
      ...(names.length > 0 && { required: names }),
    };
  }

  #others(schema: unknown): unknown {
    return typeof schema === "object" && schema !== null ? this.of(schema as TSchema) : schema;
  }

  /** Constants as an enumeration, and null as a second type, where a reader may expect them. */
  #union(members: readonly TSchema[]): Json {
    const others = members.filter(({ type }) => type !== "null");
    const isNullable = others.length < members.length;
    const texts = others.filter((each) => typeof each.const === "string").map((each) => each.const);
    if (texts.length === others.length) return orNull({ type: "string", enum: texts }, isNullable);
    const [first, ...more] = others.map((each) => this.of(each)) as [Json, ...Json[]];
    if (more.length === 0 && typeof first.type === "string") return orNull(first, isNullable);
    return { anyOf: [first, ...more, ...(isNullable ? [{ type: "null" }] : [])] };
  }
}

function orNull(schema: Json, isNullable: boolean): Json {
  if (!isNullable) return schema;
  const values = schema.enum as readonly unknown[] | undefined;
  return { ...schema, type: [schema.type, "null"], ...(values && { enum: [...values, null] }) };
}

/** TypeBox writes a record as a pattern that every name matches. */
function onlyOne(patterns: Readonly<Record<string, TSchema>> | undefined): TSchema | undefined {
  return patterns && Object.values(patterns)[0];
}

/** Ids are accepted in any case, as the format is. */
function patternOf(pattern: string | undefined): Json {
  if (pattern === undefined) return {};
  return pattern === anyCaseUuid ? { format: "uuid" } : { pattern };
}

/** The members of a union, also of those in it. */
function flat(members: readonly TSchema[]): readonly TSchema[] {
  return members.flatMap((each) =>
    each.anyOf && !each.$id ? flat(each.anyOf as readonly TSchema[]) : [each],
  );
}

/** These say what the type says already. */
const plainRules = new Set(["must be a string", "must be an object", "must be true or false"]);

/** Returns the description of a field: its meaning and its rule. */
function described(about: string | undefined, rule: string | undefined): Json {
  const told = rule === undefined || (about !== undefined && plainRules.has(rule)) ? [] : [sentence(rule)];
  const description = [...(about === undefined ? [] : [about]), ...told].join(" ");
  return description === "" ? {} : { description };
}
