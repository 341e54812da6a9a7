import type { RestDoor } from "../operation.ts";
import type { TopicKind } from "../topics/topics.ts";
import { messageOf } from "./document-parts.ts";
import type { Json } from "./named-schemas.ts";

/** A request with its first answer, from the document of the operation. */
export function restExample(operation: Json, door: RestDoor): readonly string[] {
  const body = bodyOf(operation);
  const [status, answer] = answerOf(operation);
  return [
    "```http",
    `${door.method} ${pathOf(operation, door)}`,
    ...(body === undefined ? [] : ["", JSON.stringify(body)]),
    "",
    `HTTP/1.1 ${status}`,
    ...(answer === undefined ? [] : ["", JSON.stringify(answer)]),
    "```",
    "",
  ];
}

function pathOf({ parameters = [] }: Json, { path }: RestDoor): string {
  const examples = new Map((parameters as readonly Json[]).map(({ name, example }) => [name, example]));
  return `/api/v1${path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(examples.get(name))))}`;
}

interface Content {
  readonly content?: { readonly "application/json": Json };
}

function bodyOf({ requestBody }: Json): unknown {
  const { examples } = ((requestBody as Content | undefined)?.content?.["application/json"] ?? {}) as {
    readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
  };
  return examples && Object.values(examples).at(-1)!.value;
}

/** The highest status that is no refusal: what is done for the first time is 201. */
function answerOf({ responses }: Json): readonly [string, unknown] {
  const done = Object.entries(responses as Readonly<Record<string, Content>>).filter(([status]) =>
    status.startsWith("2"),
  );
  const [status, { content }] = done.at(-1)!;
  return [status, content?.["application/json"].example];
}

/** An event with its ok reply. */
export function channelExample(document: Json, topic: TopicKind, event: string): readonly string[] {
  const frames = [event, `${event}_ok`].map((key) => messageOf(document, topic, key).example);
  return ["```json", ...frames.map((frame) => JSON.stringify(frame)), "```", ""];
}
