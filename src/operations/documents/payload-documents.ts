import type { TObject } from "@sinclair/typebox";
import type { PayloadShape } from "../payload-shape.ts";
import type { Json, NamedSchemas } from "./named-schemas.ts";
import { sentence } from "./sentence.ts";

/** The schema of a payload, with the other ways to write it in its description. Fields that are not named are ignored and counted. */
export function payloadSchema(shape: PayloadShape<TObject>, schemas: NamedSchemas): Json {
  const description = otherWays(shape).map(sentence).join(" ");
  return { ...(description && { description }), ...schemas.of(shape.schema) };
}

function otherWays({ nestedIn, aliases }: PayloadShape<TObject>): readonly string[] {
  const nested = nestedIn ? [`The fields may also stand in an object \`${nestedIn}\``] : [];
  return [...nested, ...[...aliases].map(([alias, name]) => `\`${alias}\` is another name of \`${name}\``)];
}

/** The fields that clients may give, in the order of the schema. */
export function documentedFields({ schema }: PayloadShape<TObject>): readonly string[] {
  return Object.keys(schema.properties).filter((name) => !schema.properties[name]!.undocumented);
}

/** The example of a payload with the fields that this door has. */
export function payloadExample(shape: PayloadShape<TObject>, without: readonly string[] = []): Json {
  return Object.fromEntries(Object.entries(shape.example).filter(([name]) => !without.includes(name)));
}
