import type { TObject, TSchema } from "@sinclair/typebox";
import { themes } from "../list.ts";
import type { BodyDoc, Operation, ReplyDoc, RestDoor } from "../operation.ts";
import type { PayloadShape } from "../payload-shape.ts";
import { sampleIds } from "../sample-ids.ts";
import { exampleOf } from "./example.ts";
import { type Json, NamedSchemas } from "./named-schemas.ts";
import { payloadExample, payloadSchema } from "./payload-documents.ts";
import { byStatus, refusedOverRest } from "./refusal-documents.ts";
import { RefusalResponses, responseHeaders } from "./refusal-responses.ts";

const prefix = "#/components/schemas/";

const about = `The REST API of whispr-msg: everything that clients ask for, but what needs a socket; for that see \`/asyncapi.json\`.

Answers are \`{"data": …, "meta": …}\`. Refusals are \`{"error": code, "message": text, "details"?, "retry_after_ms"?}\`: act on the code. Times
are UTC with microseconds. Ids are UUIDs, in lower case. Fields and query parameters that an operation does not know are ignored. Ignore fields that you do not know, too: later versions may add some.`;

/** Everything that REST answers to, as OpenAPI 3.1: a loop over the operations. `version`: of the executable. */
export function openApiDocument(version: string): Json {
  const schemas = new NamedSchemas(prefix);
  const refusals = new RefusalResponses();
  const paths = pathDocuments(schemas, refusals);
  return {
    openapi: "3.1.0",
    info: { title: "whispr-msg", version, summary: "A self-hosted messaging backend.", description: about },
    servers: [
      { url: "/", description: "This server." },
      { url: "/messaging", description: "The same, behind gateways that keep this segment." },
    ],
    security: [{ token: [] }],
    tags: tagDocuments(),
    paths,
    // After the paths, which collect them.
    components: {
      schemas: schemas.all(),
      responses: refusals.all(),
      headers: responseHeaders,
      securitySchemes: {
        token: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "See docs/auth.md." },
      },
    },
  };
}

/** Collects the schemas and refusals that the paths name. */
function pathDocuments(schemas: NamedSchemas, refusals: RefusalResponses): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { name: tag, operations } of themes)
    for (const operation of operations)
      for (const door of operation.rest) {
        const path = `/api/v1${door.path.replaceAll(/:(\w+)/g, "{$1}")}`;
        const id = door.name ?? operation.name;
        paths[path] ??= {};
        const place = { operation, door, tag, id, schemas, refusals };
        paths[path][door.method.toLowerCase()] = operationDocument(place);
      }
  return paths;
}

function tagDocuments(): readonly Json[] {
  return themes
    .filter(({ operations }) => operations.some(({ rest }) => rest.length > 0))
    .map(({ name, summary }) => ({ name, description: summary }));
}

interface Place {
  readonly operation: Operation;
  readonly door: RestDoor;
  readonly tag: string;
  readonly id: string;
  readonly schemas: NamedSchemas;
  readonly refusals: RefusalResponses;
}

function operationDocument({ operation, door, tag, id, schemas, refusals }: Place): Json {
  const { summary, description } = operation;
  const parameters = parameterDocuments(door, schemas);
  const refused = byStatus(refusedOverRest(operation, door)).map(([status, codes]) => [
    status,
    refusals.of(codes),
  ]);
  return {
    operationId: id,
    tags: [tag],
    "x-operation": operation.name,
    summary,
    ...(description && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(door.body && { requestBody: bodyDocument(door, door.body, schemas) }),
    responses: { ...replyDocuments(door, schemas), ...Object.fromEntries(refused) },
  };
}

function parameterDocuments(door: RestDoor, schemas: NamedSchemas): readonly Json[] {
  const inPath = [...door.path.matchAll(/:(\w+)/g)].map(([, name]) => pathParameter(door.path, name!));
  return [
    ...inPath,
    ...Object.entries(door.query)
      .filter(([, { schema }]) => !schema.undocumented)
      .map(([name, { schema }]) => parameter("query", name, schema, schemas)),
    ...Object.entries(door.headers ?? {}).map(([name, schema]) => parameter("header", name, schema, schemas)),
  ];
}

function parameter(place: "query" | "header", name: string, schema: TSchema, schemas: NamedSchemas): Json {
  const { description, ...plain } = schemas.of(schema);
  return { name, in: place, ...(description !== undefined && { description }), schema: plain };
}

/** Ids are not checked here: a malformed one is answered like one that nothing has. */
function pathParameter(path: string, name: string): Json {
  const own = { name, in: "path", required: true };
  if (name === "reaction")
    return {
      ...own,
      description: "The reaction, percent-encoded.",
      schema: { type: "string", minLength: 1 },
      example: "👍",
    };
  const what = name === "userId" ? "user" : path.startsWith("/messages") ? "message" : "conversation";
  const example = what === "user" ? sampleIds.bob : sampleIds[what];
  return { ...own, description: `The ${what}'s id.`, schema: { type: "string", format: "uuid" }, example };
}

/** The example leaves out what the path names. */
function bodyDocument(
  { path, query }: RestDoor,
  { shapes, isOptional }: BodyDoc,
  schemas: NamedSchemas,
): Json {
  const inPath = path.startsWith("/messages/") ? ["message_id"] : [];
  const known = [...inPath, ...Object.keys(query)];
  const content = (shape: PayloadShape<TObject>) => payloadSchema(shape, schemas);
  const schema = shapes.length === 1 ? content(shapes[0]!) : { anyOf: shapes.map(content) };
  const isSend = path === "/messages";
  const examples = shapes.map((shape) => {
    const value = payloadExample(shape, known);
    const whole = isSend ? { conversation_id: sampleIds.conversation, ...value } : value;
    return [String(value.type ?? "example"), { value: whole }] as const;
  });
  return {
    required: !isOptional,
    content: { "application/json": { schema, examples: Object.fromEntries(examples) } },
  };
}

function replyDocuments({ replies }: RestDoor, schemas: NamedSchemas): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(replies).map(([status, reply]) => [status, replyDocument(reply, schemas)]),
  );
}

function replyDocument({ summary, data, meta }: ReplyDoc, schemas: NamedSchemas): Json {
  if (!data) return { description: summary };
  const schema = {
    type: "object",
    properties: { data: schemas.of(data), meta: meta ? schemas.of(meta) : emptyObject },
    required: ["data", "meta"],
    additionalProperties: false,
  };
  const example = exampleOf(schema, schemas.all());
  return { description: summary, content: { "application/json": { schema, example } } };
}

const emptyObject = { type: "object", properties: {}, additionalProperties: false };
