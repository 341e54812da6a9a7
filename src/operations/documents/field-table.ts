import type { Json } from "./named-schemas.ts";

/** The fields of an object as rows of a table: name, type, whether it is always there, and what it means. */
export function fieldTable(schema: Json): readonly string[] {
  const { properties = {}, required = [] } = schema as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  const rows = Object.entries(properties).map(([name, field]) => {
    const about = cell(String(field.description ?? ""));
    return `| \`${name}\`${required.includes(name) ? "" : "?"} | ${typeText(field)} | ${about} |`;
  });
  return rows.length === 0 ? [] : ["| field | type | |", "|---|---|---|", ...rows];
}

/** A type in a few words, with a link where it has a name. */
export function typeText(schema: Json): string {
  const { $ref, anyOf, items, additionalProperties } = schema as { readonly [key: string]: never };
  if ($ref) return link(String($ref).split("/").at(-1)!);
  if (anyOf) return [...new Set((anyOf as readonly Json[]).map(typeText))].join(" or ");
  if ("const" in schema) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum)
    return (schema.enum as readonly unknown[]).map((each) => `\`${JSON.stringify(each)}\``).join(", ");
  if (items) return `list of ${typeText(items as Json)}${orNull(schema)}`;
  if (typeof additionalProperties === "object") return `map of ${typeText(additionalProperties as Json)}`;
  return typesOf(schema);
}

function typesOf(schema: Json): string {
  const { type = "any" } = schema as { readonly type?: string | readonly string[] };
  return [type]
    .flat()
    .map((each) => (each === "string" ? textOf(schema) : each))
    .join(" or ");
}

function textOf({ format }: Json): string {
  if (format === "uuid") return "UUID";
  return format === "date-time" ? "time" : "string";
}

function link(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

/** In one cell of a table. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function orNull({ type }: Json): string {
  return Array.isArray(type) && type.includes("null") ? " or null" : "";
}
