import type { TSchema } from "@sinclair/typebox";
import { type RefusalCode, refusals } from "../../core/rejection.ts";
import { exampleOf } from "./example.ts";
import type { Json, NamedSchemas } from "./named-schemas.ts";
import { refusalExample, refusalSchema } from "./refusal-documents.ts";

/** The reasons for which the protocol itself may refuse any frame, without a message. */
const protocolReasons = [
  "unmatched topic",
  "malformed_frame",
  "invalid_payload",
  "payload_too_large",
  "overloaded",
  "internal",
];

/** Their ref is the join_ref. */
const hasJoinRef: readonly string[] = ["phx_join", "phx_close"];
const ref = { type: ["string", "integer", "null"] };

/** A kind of topics. */
export interface TopicDoc {
  readonly name: string;
  readonly summary: string;
  /** With `{id}` in the place of an id. */
  readonly address: string;
  readonly idOf: { readonly what: string; readonly example: string } | null;
}

interface Named {
  /** The first one is the documented one. */
  readonly events: readonly [string, ...string[]];
}

export interface Exchange extends Named {
  /** Null: whatever is sent is ignored. */
  readonly payload: Json | null;
  readonly reply: TSchema;
  readonly reasons: readonly string[];
  readonly example: Json;
}

/** The messages of one kind of topic, as a channel of AsyncAPI. Its messages are whole frames. */
export class ChannelMessages {
  readonly #doc: TopicDoc;
  readonly #schemas: NamedSchemas;
  readonly #messages: Record<string, Json> = {};

  constructor(doc: TopicDoc, schemas: NamedSchemas) {
    this.#doc = doc;
    this.#schemas = schemas;
  }

  get #topic(): string {
    const { address, idOf } = this.#doc;
    return address.replace("{id}", idOf?.example ?? "");
  }

  get reference(): Json {
    return { $ref: `#/channels/${this.#doc.name}` };
  }

  /** An event of a client with its replies. Returns references to them. */
  exchange({ events, payload, reply, reasons, example }: Exchange, summary: string) {
    const [event] = events;
    const request = this.#add(event, { summary, events, payload: payload ?? { type: "object" }, example });
    const response = this.#schemas.of(reply);
    const ok = replyOf("ok", response, exampleOf(response, this.#schemas.all()));
    const error = replyOf("error", refusalOf(reasons), exampleOfRefusal(reasons));
    const replies = [
      this.#add(`${event}_ok`, { summary: "It is done.", events: ["phx_reply"], ...ok }),
      this.#add(`${event}_error`, { summary: "It is refused.", events: ["phx_reply"], ...error }),
    ];
    return { request, replies };
  }

  /** Returns a reference to it. */
  push({ events, payload }: Named & { readonly payload: Json }, summary: string): Json {
    const example = exampleOf(payload, this.#schemas.all());
    return this.#add(`push_${events[0]}`, {
      summary,
      events,
      payload,
      example,
      isPush: !hasJoinRef.includes(events[0]),
    });
  }

  document(): Json {
    const { summary, address, idOf } = this.#doc;
    const id = idOf && { description: `The id of the ${idOf.what}.`, examples: [idOf.example] };
    return { address, summary, ...(id && { parameters: { id } }), messages: this.#messages };
  }

  #add(key: string, message: FrameMessage): Json {
    const { summary, events, payload, example, isPush } = message;
    const [event] = events;
    const refs = isPush ? [null, null] : ["1", hasJoinRef.includes(event) ? "1" : "7"];
    this.#messages[key] = {
      name: event,
      title: key,
      summary,
      payload: {
        type: "array",
        items: [
          ref,
          isPush ? { type: "null" } : ref,
          topicSchema(this.#doc.address),
          eventSchema(events),
          payload,
        ],
        minItems: 5,
        maxItems: 5,
        additionalItems: false,
      },
      examples: [{ payload: [...refs, this.#topic, event, example] }],
    };
    return { $ref: `#/channels/${this.#doc.name}/messages/${key}` };
  }
}

function replyOf(status: "ok" | "error", response: Json, example: unknown) {
  const payload = {
    type: "object",
    properties: { status: { type: "string", const: status }, response },
    required: ["status", "response"],
    additionalProperties: false,
  };
  return { payload, example: { status, response: example } };
}

/** Returns the example of the first reason. */
function exampleOfRefusal([reason]: readonly string[]): Json {
  const isCode = reason !== undefined && Object.hasOwn(refusals, reason);
  return isCode ? refusalExample("reason", reason as RefusalCode) : { reason: protocolReasons[0] };
}

interface FrameMessage extends Named {
  readonly summary: string;
  readonly payload: Json;
  readonly example: unknown;
  readonly isPush?: boolean;
}

function topicSchema(address: string): Json {
  if (!address.endsWith("{id}")) return { type: "string", const: address };
  return { type: "string", pattern: `^${address.replace("{id}", "")}` };
}

function eventSchema(events: readonly string[]): Json {
  return events.length === 1 ? { type: "string", const: events[0] } : { type: "string", enum: events };
}

/** A refusal of the table, or one of the protocol's own, which may say nothing but its reason. */
function refusalOf(reasons: readonly string[]): Json {
  const { properties, ...whole } = refusalSchema("reason", [...new Set([...reasons, ...protocolReasons])]);
  return { ...whole, properties, required: ["reason"] };
}
