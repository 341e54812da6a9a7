import { at, type Json, resolved } from "./json.ts";

/** The content of the page, read from the two documents. */

export interface Field {
  readonly name: string;
  readonly isRequired: boolean;
  readonly schema: Json;
  readonly about: string;
}

export interface Example {
  readonly title: string;
  readonly text: string;
}

/** A heading with fields and examples under it. */
export interface Part {
  readonly title: string;
  readonly about: string;
  readonly fields: readonly Field[];
  readonly examples: readonly Example[];
}

/** One way to ask for an operation, or one way in which something comes. */
export interface Door {
  /** GET, POST …, or what a channel does. */
  readonly badge: string;
  readonly address: string;
  readonly parts: readonly Part[];
}

export interface Entry {
  /** The hash of the address of its page. */
  readonly id: string;
  readonly theme: string;
  readonly title: string;
  readonly summary: string;
  readonly about: string;
  readonly doors: readonly Door[];
  /** The text that a search looks at, in lower case. */
  readonly words: string;
}

export interface Reference {
  readonly title: string;
  readonly version: string;
  readonly about: readonly string[];
  readonly themes: readonly { readonly name: string; readonly summary: string }[];
  readonly entries: readonly Entry[];
}

export function referenceOf(rest: Json, channels: Json): Reference {
  const operations = new Map<string, Entry>();
  for (const entry of [...restEntries(rest), ...channelEntries(channels)]) {
    const known = operations.get(entry.id);
    operations.set(entry.id, known ? { ...known, doors: [...known.doors, ...entry.doors] } : entry);
  }
  const tags = (at(rest, "tags") as readonly Json[]).map(({ name, description }) => ({
    name: String(name),
    summary: String(description),
  }));
  const entries = [...operations.values(), ...typeEntries(rest, channels)].map(withWords);
  return {
    title: String(at(rest, "info/title")),
    version: String(at(rest, "info/version")),
    about: [String(at(rest, "info/description")), String(at(channels, "info/description"))],
    themes: [...tags, ...otherThemes(entries, tags)],
    entries,
  };
}

const summaries: Readonly<Record<string, string>> = {
  Presence: "Who types, and how users show.",
  Topics: "What the protocol itself does: joins, leaves and heartbeats.",
  Pushes: "What the server sends without being asked.",
  Types: "What stands in several places.",
};

function otherThemes(entries: readonly Entry[], known: readonly { readonly name: string }[]) {
  const names = new Set(entries.map(({ theme }) => theme));
  for (const { name } of known) names.delete(name);
  return [...names].map((name) => ({ name, summary: summaries[name] ?? "" }));
}

function restEntries(document: Json): Entry[] {
  const paths = Object.entries(
    at(document, "paths") as Readonly<Record<string, Readonly<Record<string, Json>>>>,
  );
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: String(operation["x-operation"]),
      theme: String((operation.tags as readonly string[])[0]),
      title: String(operation["x-operation"]),
      summary: String(operation.summary),
      about: String(operation.description ?? ""),
      doors: [restDoor(document, method.toUpperCase(), path, operation)],
      words: "",
    })),
  );
}

function restDoor(document: Json, method: string, path: string, operation: Json): Door {
  const parameters = (operation.parameters ?? []) as readonly Json[];
  const responses = Object.entries(operation.responses as Readonly<Record<string, Json>>);
  return {
    badge: method,
    address: path,
    parts: [
      ...parametersPart(parameters),
      ...bodyParts(document, operation.requestBody as Json | undefined),
      ...responses.map(([status, response]) => responsePart(document, status, response)),
    ],
  };
}

function parametersPart(parameters: readonly Json[]): readonly Part[] {
  if (parameters.length === 0) return [];
  const fields = parameters.map(({ name, in: place, required, schema, description = "" }) => ({
    name: String(name),
    isRequired: required === true,
    schema: schema as Json,
    about: `In the ${place}. ${description}`,
  }));
  return [{ title: "Parameters", about: "", fields, examples: [] }];
}

function bodyParts(document: Json, body: Json | undefined): readonly Part[] {
  if (!body) return [];
  const { schema, examples = {} } = at(body, "content/application~1json") as {
    schema: Json;
    examples?: Json;
  };
  const forms = (schema.anyOf as readonly Json[] | undefined) ?? [schema];
  const shown = Object.values(examples as Readonly<Record<string, Json>>).map(({ value }) =>
    pretty("JSON", value),
  );
  return forms.map((form, index) => ({
    title: forms.length > 1 ? `Body, form ${index + 1}` : `Body${body.required ? "" : " (may be absent)"}`,
    about: String(form.description ?? ""),
    fields: fieldsOf(document, form),
    examples: shown.slice(index, index + 1),
  }));
}

function responsePart(document: Json, status: string, given: Json): Part {
  const response = resolved(document, given);
  const content = at(response, "content/application~1json") as
    | { schema: Json; example?: unknown; examples?: Readonly<Record<string, Json>> }
    | undefined;
  const examples = Object.entries(content?.examples ?? {}).map(([name, { value }]) => pretty(name, value));
  const isRefusal = Number(status) >= 400;
  return {
    title: status,
    about: String(response.description ?? ""),
    fields: content && !isRefusal ? envelopeFields(document, content.schema) : [],
    examples: content?.example === undefined ? examples : [pretty("JSON", content.example)],
  };
}

/** `data` and `meta`; where one has fields and no name, each of its fields. */
function envelopeFields(document: Json, schema: Json): readonly Field[] {
  return fieldsOf(document, schema).flatMap((part) => {
    const inner = fieldsOf(document, part.schema).map((field) => ({
      ...field,
      name: `${part.name}.${field.name}`,
    }));
    return part.name === "meta" || inner.length > 0 ? inner : [part];
  });
}

function channelEntries(document: Json): Entry[] {
  const operations = Object.entries(at(document, "operations") as Readonly<Record<string, Json>>);
  return operations.map(([key, operation]) => {
    const isPush = operation.action === "send";
    const [message] = (operation.messages as readonly Json[]).map((each) => resolved(document, each));
    const title = String(operation["x-operation"] ?? (isPush ? message!.name : key));
    const tag = (operation.tags as readonly Json[] | undefined)?.[0]?.name;
    return {
      id: isPush ? `push_${title}` : title,
      theme: isPush ? "Pushes" : String(tag ?? "Topics"),
      title,
      summary: String(operation.summary),
      about: String(operation.description ?? ""),
      doors: [channelDoor(document, operation, isPush)],
      words: "",
    };
  });
}

function channelDoor(document: Json, operation: Json, isPush: boolean): Door {
  const channel = resolved(document, operation.channel as Json);
  const sent = (operation.messages as readonly Json[]).map((each) => resolved(document, each));
  const replies = ((operation.reply as Json | undefined)?.messages ?? []) as readonly Json[];
  return {
    badge: isPush ? "PUSH" : "EVENT",
    address: `${sent[0]!.name} on ${channel.address}`,
    parts: [
      ...sent.map((message) => framePart(document, "Payload", message, 0)),
      ...replies.map((each) => {
        const message = resolved(document, each);
        return framePart(
          document,
          message.title?.toString().endsWith("_ok") ? "Reply ok" : "Reply error",
          message,
          1,
        );
      }),
    ],
  };
}

/** `depth` 1: the fields are those of the response of a reply. */
function framePart(document: Json, title: string, message: Json, depth: 0 | 1): Part {
  const payload = (at(message, "payload/items") as readonly Json[])[4]!;
  const shown = depth === 1 ? (at(payload, "properties/response") as Json) : payload;
  const examples = (message.examples as readonly Json[]).map((each) => pretty("Frame", each.payload));
  return {
    title,
    about: depth === 1 ? String(message.summary) : String(payload.description ?? ""),
    fields: fieldsOf(document, shown),
    examples,
  };
}

function typeEntries(...documents: readonly Json[]): Entry[] {
  const types = new Map<string, Entry>();
  for (const document of documents)
    for (const [name, schema] of Object.entries(
      at(document, "components/schemas") as Readonly<Record<string, Json>>,
    ))
      types.set(name, typeEntry(document, name, schema));
  return [...types.values()].sort((one, other) => one.title.localeCompare(other.title));
}

function typeEntry(document: Json, name: string, schema: Json): Entry {
  const part = { title: "Fields", about: "", fields: fieldsOf(document, schema), examples: [] };
  return {
    id: `type_${name}`,
    theme: "Types",
    title: name,
    summary: String(schema.description ?? ""),
    about: "",
    doors: [{ badge: "TYPE", address: name, parts: [part] }],
    words: "",
  };
}

/** The fields of an object, of all the objects of a union, or of what a map holds. */
function fieldsOf(document: Json, given: Json): readonly Field[] {
  const schema = given;
  const unions = (schema.anyOf ?? []) as readonly Json[];
  if (unions.length > 0) return uniqueFields(unions.flatMap((each) => fieldsOf(document, each)));
  const {
    properties,
    required = [],
    additionalProperties,
  } = schema as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
    readonly additionalProperties?: Json | boolean;
  };
  if (!properties && typeof additionalProperties === "object")
    return [{ name: "…", isRequired: false, schema: additionalProperties, about: "By any name." }];
  return Object.entries(properties ?? {}).map(([name, field]) => ({
    name,
    isRequired: required.includes(name),
    schema: field,
    about: String(field.description ?? ""),
  }));
}

function uniqueFields(fields: readonly Field[]): readonly Field[] {
  return [...new Map(fields.map((field) => [field.name, field])).values()];
}

function pretty(title: string, value: unknown): Example {
  const isFrame = Array.isArray(value);
  return {
    title,
    text: isFrame
      ? `[${value.map((each) => JSON.stringify(each)).join(", ")}]`
      : JSON.stringify(value, null, 2),
  };
}

function withWords(entry: Entry): Entry {
  const doors = entry.doors.flatMap(({ address, badge, parts }) => [
    badge,
    address,
    ...parts.flatMap(({ fields }) => fields.map(({ name }) => name)),
  ]);
  const words = [entry.title, entry.summary, entry.theme, ...doors].join(" ").toLowerCase();
  return { ...entry, words };
}
