import { element } from "../elements.ts";
import { type Json, nameIn } from "../json.ts";

/** A type in a few words, with links to the types that have names. */
export function typeView(schema: Json): HTMLElement {
  return element("span", { is: "type" }, ...piecesOf(schema));
}

type Pieces = readonly (Node | string)[];

function piecesOf(schema: Json): Pieces {
  const { $ref, anyOf, items, additionalProperties } = schema;
  if ($ref) return [link(nameIn($ref))];
  if (anyOf) return joined((anyOf as readonly Json[]).map(piecesOf));
  if ("const" in schema) return [value(schema.const)];
  if (schema.enum) return joined((schema.enum as readonly unknown[]).map((each) => [value(each)]));
  if (items && !Array.isArray(items)) return ["list of ", ...piecesOf(items as Json)];
  if (typeof additionalProperties === "object") return ["map of ", ...piecesOf(additionalProperties as Json)];
  return [simple(schema)];
}

function joined(lists: readonly Pieces[]): Pieces {
  return lists.flatMap((pieces, index) => (index === 0 ? [...pieces] : [" or ", ...pieces]));
}

function simple({ type, format, minimum, maximum, default: byDefault }: Json): string {
  const types = [type ?? "any"]
    .flat()
    .map((each) => (each === "string" && format ? formats[String(format)] : each));
  const range = minimum !== undefined && maximum !== undefined ? ` ${minimum}–${maximum}` : "";
  return `${types.join(" or ")}${range}${byDefault === undefined ? "" : `, default ${byDefault}`}`;
}

const formats: Readonly<Record<string, string>> = { uuid: "UUID", "date-time": "time" };

function link(name: string): HTMLElement {
  return element("a", { href: `#type_${name}` }, name);
}

function value(given: unknown): HTMLElement {
  return element("code", {}, JSON.stringify(given));
}
