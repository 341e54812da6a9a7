import { accessOf } from "../../core/authorize.ts";
import type { RefusalCode } from "../../core/rejection.ts";
import { themes } from "../list.ts";
import type { Operation } from "../operation.ts";
import { pushes } from "../pushes/list.ts";
import type { PushDoc } from "../pushes/push.ts";
import { type TopicOperation, topicOperations } from "../topics/topic-operations.ts";
import { topicKinds } from "../topics/topics.ts";
import { asyncApiDocument } from "./asyncapi.ts";
import { messageOf, operationAt, payloadIn } from "./document-parts.ts";
import { fieldTable, typeText } from "./field-table.ts";
import type { Json } from "./named-schemas.ts";
import { openApiDocument } from "./openapi.ts";
import { channelExample, restExample } from "./reference-examples.ts";
import { sentence } from "./sentence.ts";

const head = `# API reference

Every operation and every push, written from \`src/operations\` by \`bun cli/api-document.ts\`. For machines: \`/openapi.json\` (OpenAPI 3.1) and
\`/asyncapi.json\` (AsyncAPI 3.0), also printed by \`whispr-msg openapi\` and \`whispr-msg asyncapi\`; \`/docs\` shows them in a browser (in \`dev\`, and in
\`serve\` with \`WHISPR_DOCS=1\`).

- REST stands below \`/api/v1\` and \`/messaging/api/v1\`, with \`authorization: Bearer …\`. Answers are \`{"data": …, "meta": …}\`.
- Channels are those of [protocol.md](protocol.md): frames \`[join_ref, ref, topic, event, payload]\`. Each is answered by \`phx_reply\`.
- \`?\` behind a field says that it may be absent. A payload's field that may be absent may be null as well.
- Fields that an operation does not know are ignored. Ignore those that you do not know, too.
- Times are UTC in ISO 8601 with microseconds; ids are UUIDs.

Besides what each operation lists, all of them can be refused with \`unauthorized\` (REST), \`rate_limited\`, \`overloaded\`, \`unavailable\` and \`internal\`, and those with
a payload with \`invalid_payload\` and \`payload_too_large\`: [errors.md](errors.md) says what to do. Costs are those of [limits.md](limits.md). Who may do what in which
state is in [authorization.md](authorization.md), cell by cell.
`;

/** docs/api.md. It says nothing of the version, so that it changes only with the API. */
export function referenceDocument(): string {
  const documents = { rest: openApiDocument(""), channels: asyncApiDocument("") };
  const lines = [
    head,
    ...themes.flatMap(({ name, summary, operations }) => [
      `## ${name}`,
      "",
      summary,
      "",
      ...operations.flatMap((each) => operationLines(each, documents)),
    ]),
    "## Topics",
    "",
    ...topicOperations.flatMap((each) => topicLines(each, documents.channels)),
    "## Pushes",
    "",
    ...pushes.flatMap((each) => pushLines(each, documents.channels)),
    "## Types",
    "",
    ...typeLines(documents),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

interface Documents {
  readonly rest: Json;
  readonly channels: Json;
}

function operationLines(operation: Operation, documents: Documents): readonly string[] {
  const { name, summary, description, costs, refuses } = operation;
  const may = whoMayDo(operation);
  return [
    `### ${name}`,
    "",
    [summary, description].filter(Boolean).join(" "),
    "",
    "| | |",
    "|---|---|",
    ...operation.rest.map(({ method, path }) => `| REST | \`${method} /api/v1${path}\` |`),
    ...operation.channel.map(({ topic, events }) => `| channel | ${namesOf(events)} on \`${topic}:<id>\` |`),
    `| who may | ${may} |`,
    `| cost | ${costs.class} |`,
    `| refusals | ${codesOf(refuses)} |`,
    "",
    ...parameterLines(operation, documents.rest),
    ...payloadLines(operation, documents),
    ...operation.rest.slice(0, 1).flatMap((door) => restExample(operationAt(documents.rest, door), door)),
    ...operation.channel
      .slice(0, 1)
      .flatMap((door) => channelExample(documents.channels, door.topic, door.events[0])),
  ];
}

function whoMayDo({ name, authorizedAs = [name as never] }: Operation): string {
  return sentence([...new Set(authorizedAs.map((action) => accessOf(action).who))].join("; ")).slice(0, -1);
}

function namesOf([first, ...aliases]: readonly string[]): string {
  const also = aliases.length > 0 ? ` (also ${aliases.map((each) => `\`${each}\``).join(", ")})` : "";
  return `\`${first}\`${also}`;
}

function codesOf(codes: readonly RefusalCode[]): string {
  return codes.length === 0 ? "none of its own" : codes.map((code) => `\`${code}\``).join(", ");
}

function parameterLines({ rest }: Operation, document: Json): readonly string[] {
  const [door] = rest;
  if (!door) return [];
  const all = (operationAt(document, door).parameters ?? []) as readonly Json[];
  const parameters = all.filter((each) => each.in !== "path");
  if (parameters.length === 0) return [];
  const properties = Object.fromEntries(
    parameters.map(({ name, description, schema }) => [name, { ...(schema as Json), description }]),
  );
  const places = [...new Set(parameters.map((each) => (each.in === "query" ? "Query" : "Header")))];
  return [`${places.join(" and ")} parameters:`, "", ...fieldTable({ properties }), ""];
}

function payloadLines({ rest, channel }: Operation, documents: Documents): readonly string[] {
  const shapes = rest[0]?.body
    ? payloadIn(operationAt(documents.rest, rest[0]))
    : channel.slice(0, 1).map(({ topic, events }) => messageOf(documents.channels, topic, events[0]).payload);
  return shapes.flatMap((shape, index) => {
    const table = fieldTable(shape);
    if (table.length === 0) return [];
    const others = shape.description ? ` ${shape.description}` : "";
    const title = shapes.length > 1 ? `Payload, form ${index + 1}:` : "Payload:";
    return [`${title}${others}`, "", ...table, ""];
  });
}

function topicLines(operation: TopicOperation, document: Json): readonly string[] {
  const { name, summary, description, topic, event, costs, refuses } = operation;
  const kind = topic ?? topicKinds[0];
  const { payload } = messageOf(document, kind, event);
  const table = fieldTable(payload);
  return [
    `### ${name}`,
    "",
    [summary, description].filter(Boolean).join(" "),
    "",
    "| | |",
    "|---|---|",
    `| channel | \`${event}\` on ${topic === null ? "any topic" : `\`${topic}:<id>\``} |`,
    `| cost | ${costs.class} |`,
    `| refusals | ${codesOf(refuses)} |`,
    "",
    ...(table.length > 0 ? ["Payload:", "", ...table, ""] : []),
    ...channelExample(document, kind, event),
  ];
}

function pushLines({ names, topics, summary, description }: PushDoc, document: Json): readonly string[] {
  const [name] = names;
  const { payload, example } = messageOf(document, topics[0]!, `push_${name}`);
  const table = fieldTable(payload);
  const own = table.length > 0 ? table : [`Payload: ${typeText(payload)}.`];
  return [
    `### Push: ${name}`,
    "",
    [summary, description].filter(Boolean).join(" "),
    "",
    `On ${topics.map((each) => `\`${each}:<id>\``).join(" and ")}${names.length > 1 ? `, as ${names.map((each) => `\`${each}\``).join(" and ")}` : ""}.`,
    "",
    ...own,
    "",
    "```json",
    JSON.stringify(example),
    "```",
    "",
  ];
}

function typeLines({ rest, channels }: Documents): readonly string[] {
  const named = { ...schemasIn(channels), ...schemasIn(rest) };
  return Object.keys(named)
    .sort()
    .flatMap((name) => {
      const schema = named[name]!;
      const table = fieldTable(schema);
      const own = table.length > 0 ? table : [sentence(typeText(schema))];
      return [`### ${name}`, "", ...(schema.description ? [String(schema.description), ""] : []), ...own, ""];
    });
}

function schemasIn(document: Json): Readonly<Record<string, Json>> {
  return (document.components as { schemas: Readonly<Record<string, Json>> }).schemas;
}
