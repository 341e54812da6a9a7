import type { RestDoor } from "../operation.ts";
import type { TopicKind } from "../topics/topics.ts";
import type { Json } from "./named-schemas.ts";

/** Finds parts of the documents. */

/** The operation of an OpenAPI document that documents this door. */
export function operationAt(document: Json, { method, path }: Pick<RestDoor, "method" | "path">): Json {
  const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Json>>>>;
  return paths[`/api/v1${path.replaceAll(/:(\w+)/g, "{$1}")}`]![method.toLowerCase()]!;
}

/** The schemas of a request's body, one for each form; empty: it has none. */
export function payloadIn({ requestBody }: Json): readonly Json[] {
  if (!requestBody) return [];
  const { schema } = (requestBody as { content: { "application/json": { schema: Json } } }).content[
    "application/json"
  ];
  return (schema.anyOf as readonly Json[] | undefined) ?? [schema];
}

/** The payload and the example frame of a message of an AsyncAPI document. */
export function messageOf(
  document: Json,
  topic: TopicKind,
  key: string,
): { readonly payload: Json; readonly example: readonly unknown[] } {
  const channels = document.channels as Readonly<
    Record<string, { messages: Readonly<Record<string, Frame>> }>
  >;
  const { payload, examples } = channels[topic]!.messages[key]!;
  return { payload: payload.items[4]!, example: examples[0]!.payload };
}

interface Frame {
  readonly payload: { readonly items: readonly Json[] };
  readonly examples: readonly { readonly payload: readonly unknown[] }[];
}
