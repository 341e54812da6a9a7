import { themes } from "../list.ts";
import type { ChannelDoor, Operation } from "../operation.ts";
import { pushes } from "../pushes/list.ts";
import type { PushDoc } from "../pushes/push.ts";
import { type TopicOperation, topicOperations } from "../topics/topic-operations.ts";
import { type TopicKind, topicKinds } from "../topics/topics.ts";
import { ChannelMessages } from "./channel-messages.ts";
import { type Json, NamedSchemas } from "./named-schemas.ts";
import { payloadExample, payloadSchema } from "./payload-documents.ts";
import { nothing, protocolPushes, topicDocs } from "./protocol.ts";
import { refusedOnTopic } from "./refusal-documents.ts";

const about = `Real time: [Phoenix Channels](https://hexdocs.pm/phoenix/channels.html), serializer 2.0.0, over one WebSocket. A frame is a JSON array
\`[join_ref, ref, topic, event, payload]\`. The channels of this document are topics: a client joins a topic with \`phx_join\`, under a \`join_ref\` of its own,
which every further frame of it carries. Each frame of a client is answered once, by \`phx_reply\` with the same refs. Pushes of the server have the
ref \`null\`. Send \`[null, ref, "phoenix", "heartbeat", {}]\` every 30 s. docs/protocol.md says the rest.`;

/** Everything that goes over a socket, as AsyncAPI 3.0, as the server sees it: it receives events, and sends replies and pushes. */
export function asyncApiDocument(version: string): Json {
  const schemas = new NamedSchemas("#/components/schemas/");
  const topics = openTopics(schemas);
  const operations = Object.assign(
    {},
    ...topicOperations.map((each) => topicEvents(each, topics, schemas)),
    ...themes.flatMap((theme) =>
      theme.operations.map((each) => clientEvents(each, theme.name, topics, schemas)),
    ),
    ...[...pushes, ...protocolPushes].map((each) => serverPushes(each, topics, schemas)),
    { heartbeat: heartbeat(topics) },
  ) as Json;
  return {
    asyncapi: "3.0.0",
    info: { title: "whispr-msg", version, description: about },
    defaultContentType: "application/json",
    servers: { socket: server },
    channels: Object.fromEntries(Object.entries(topics).map(([kind, topic]) => [kind, topic.document()])),
    operations,
    components: {
      schemas: schemas.all(),
      securitySchemes: {
        token: { type: "httpApiKey", in: "query", name: "token", description: "A JWT: docs/auth.md." },
      },
    },
  };
}

type Topics = Readonly<Record<TopicKind | "phoenix", ChannelMessages>>;

function openTopics(schemas: NamedSchemas): Topics {
  const { conversation, user, phoenix } = topicDocs;
  return {
    conversation: new ChannelMessages(conversation, schemas),
    user: new ChannelMessages(user, schemas),
    phoenix: new ChannelMessages(phoenix, schemas),
  };
}

const server = {
  host: "{host}",
  variables: { host: { default: "localhost:4000", description: "Where the server listens." } },
  pathname: "/socket/websocket?vsn=2.0.0",
  protocol: "wss",
  security: [{ $ref: "#/components/securitySchemes/token" }],
};

function topicEvents(operation: TopicOperation, topics: Topics, schemas: NamedSchemas): Json {
  const { name, summary, description, topic, event, payload, reply, refuses } = operation;
  const kinds = topic === null ? topicKinds : [topic];
  const documents = kinds.map((kind) => {
    const isJoin = event === "phx_join";
    const reasons = [...refusedOnTopic(refuses), ...(isJoin ? ["too_many_topics"] : [])];
    const own = { events: [event], payload: schemas.of(payload), reply, reasons, example: {} } as const;
    const { request, replies } = topics[kind].exchange(own, summary);
    return [
      kinds.length === 1 ? name : `${name}_${kind}`,
      received(topics[kind], { summary, description, request, replies }),
    ];
  });
  return Object.fromEntries(documents);
}

function clientEvents(operation: Operation, tag: string, topics: Topics, schemas: NamedSchemas): Json {
  const { name, summary, description, channel } = operation;
  const documents = channel.map((door) => {
    const id = channel.length === 1 ? name : `${name}_${door.topic}_${door.events[0]}`;
    const { request, replies } = topics[door.topic].exchange(exchangeOf(operation, door, schemas), summary);
    const parts = {
      summary,
      description: [description, alsoNamed(door.events)].filter(Boolean).join(" "),
      request,
      replies,
    };
    return [id, { ...received(topics[door.topic], parts), tags: [{ name: tag }], "x-operation": name }];
  });
  return Object.fromEntries(documents);
}

function exchangeOf(
  { refuses }: Operation,
  { topic, events, payload, reply }: ChannelDoor,
  schemas: NamedSchemas,
) {
  const reasons = refusedOnTopic(refuses);
  const inTopic = topic === "conversation" ? ["conversation_id"] : [];
  const example = payload ? payloadExample(payload, inTopic) : {};
  return { events, payload: payload && payloadSchema(payload, schemas), reply, reasons, example };
}

function alsoNamed([, ...aliases]: readonly string[]): string | undefined {
  return aliases.length > 0 ? `Also named ${aliases.map((each) => `\`${each}\``).join(", ")}.` : undefined;
}

function received(
  topic: ChannelMessages,
  parts: {
    readonly summary: string;
    readonly description: string | undefined;
    readonly request: Json;
    readonly replies: readonly Json[];
  },
): Json {
  const { summary, description, request, replies } = parts;
  return {
    action: "receive",
    channel: topic.reference,
    summary,
    ...(description && { description }),
    messages: [request],
    reply: { channel: topic.reference, messages: replies },
  };
}

function serverPushes(
  { names, topics: kinds, summary, description, payload }: PushDoc,
  topics: Topics,
  schemas: NamedSchemas,
): Json {
  const about = [description, alsoNamed(names)].filter(Boolean).join(" ");
  const documents = kinds.map((kind) => {
    const message = topics[kind].push({ events: names, payload: schemas.of(payload) }, summary);
    const id = kinds.length === 1 ? `push_${names[0]}` : `push_${names[0]}_${kind}`;
    return [
      id,
      {
        action: "send",
        channel: topics[kind].reference,
        summary,
        ...(about && { description: about }),
        messages: [message],
      },
    ];
  });
  return Object.fromEntries(documents);
}

function heartbeat({ phoenix }: Topics): Json {
  const summary = "Keeps a socket open on which nothing else is sent.";
  const own = { events: ["heartbeat"], payload: null, reply: nothing, reasons: [], example: {} } as const;
  const { request, replies } = phoenix.exchange(own, summary);
  return received(phoenix, { summary, description: undefined, request, replies });
}
