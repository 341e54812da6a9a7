/** A part of a document. */
export type Json = Readonly<Record<string, unknown>>;

/** Returns the value at a place of a document (`components/schemas/Message`); undefined: nothing does. */
export function at(document: unknown, path: string): unknown {
  let value = document;
  for (const name of path.split("/")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Json)[name.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return value;
}

/** The part that a reference of the document names; another part as it is. */
export function resolved(document: Json, part: Json): Json {
  const { $ref } = part;
  return typeof $ref === "string" ? (at(document, $ref.replace(/^#\//, "")) as Json) : part;
}

/** The last name of a reference. */
export function nameIn($ref: unknown): string {
  return String($ref).split("/").at(-1)!;
}
