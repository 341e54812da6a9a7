import type { TSchema } from "@sinclair/typebox";
import { sentence } from "./sentence.ts";

export type Json = Readonly<Record<string, unknown>>;

/**
 * The schemas of one document, as JSON Schema for people. A schema with an `$id` is written once, under its name, and referred to by
 * `prefix` and name. Fields that are marked `undocumented` are left out.
 */
export class NamedSchemas {
  readonly #prefix: string;
  readonly #named = new Map<string, Json>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** What stands where the schema is used. */
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
    const { additionalProperties, description, undocumented: _, ...plain } = rest;
    const about = description === undefined ? {} : { description: sentence(description) };
    if (anyOf) return { ...about, ...this.#union(anyOf as readonly TSchema[]), ...plain };
    if (properties)
      return { ...about, ...plain, ...this.#object(properties, required, additionalProperties) };
    return {
      ...about,
      ...plain,
      ...(items && { items: this.of(items as TSchema) }),
      ...(patternProperties && { additionalProperties: this.of(onlyOne(patternProperties)) }),
      ...(additionalProperties !== undefined && { additionalProperties: this.#others(additionalProperties) }),
    };
  }

  #object(
    properties: Readonly<Record<string, TSchema>>,
    required: readonly string[] | undefined,
    additionalProperties: unknown,
  ): Json {
    const shown = Object.entries(properties).filter(([, field]) => !field.undocumented);
    const names = (required ?? []).filter((name) => shown.some(([each]) => each === name));
    return {
      properties: Object.fromEntries(shown.map(([name, field]) => [name, this.of(field)])),
      ...(names.length > 0 && { required: names }),
      ...(additionalProperties !== undefined && { additionalProperties: this.#others(additionalProperties) }),
    };
  }

  #others(schema: unknown): unknown {
    return typeof schema === "object" && schema !== null ? this.of(schema as TSchema) : schema;
  }

  /** Constants as an enumeration, and null as a second type, where a reader may expect them. */
  #union(members: readonly TSchema[]): Json {
    const texts = members.filter((each) => typeof each.const === "string").map((each) => each.const);
    if (texts.length === members.length) return { type: "string", enum: texts };
    const [first, second] = members.map((each) => this.of(each)) as [Json, Json | undefined];
    if (members.length !== 2 || second?.type !== "null")
      return { anyOf: members.map((each) => this.of(each)) };
    if (typeof first.type !== "string") return { anyOf: [first, second] };
    return {
      ...first,
      type: [first.type, "null"],
      ...(Array.isArray(first.enum) && { enum: [...first.enum, null] }),
    };
  }
}

/** TypeBox writes a record as a pattern that every name matches. */
function onlyOne(patterns: Readonly<Record<string, TSchema>>): TSchema {
  return Object.values(patterns)[0]!;
}
