import { type Static, type TSchema, Type } from "@sinclair/typebox";
import type { MessageType } from "../core/messages/message.ts";
import { type Rejection, reject } from "../core/rejection.ts";
import { contentProblem, metadataText } from "./opaque.ts";
import { PayloadShape } from "./payload-shape.ts";
import { readUuid } from "./uuid.ts";

/**
 * One strict schema per command: the same for channel, REST and gRPC. A field that may be left out may also be null. Fields
 * of later versions are refused by name, so that nobody believes that they had an effect.
 */

export interface PayloadLimits {
  /** Bytes of UTF-8. */
  readonly maxContentBytes: number;
  /** Bytes of JSON text. */
  readonly maxMetadataBytes: number;
}

/** A checked `new_message`. `metadata` is JSON text of an object. */
export interface SendMessageBody {
  readonly type: "send_message_body";
  /** Null: the body names no conversation. */
  readonly conversationId: string | null;
  readonly messageType: MessageType;
  readonly content: string;
  readonly metadata: string;
  readonly clientRandom: number | null;
}

/** A checked `POST /conversations`. */
export interface CreateDirectBody {
  readonly type: "create_direct_body";
  readonly otherUserId: string;
}

const maxUint32 = 0xffff_ffff;

/** Optional, or null; the description is what a refusal says is allowed. */
function optional<S extends TSchema>(schema: S, allowed: string) {
  return Type.Optional(Type.Union([schema, Type.Null()], { description: allowed }));
}

function later(what: string) {
  return Type.Optional(
    Type.Null({ description: `is not supported yet, ${what} come with a later version; leave it out` }),
  );
}

const uint32 = Type.Union([
  Type.Integer({ minimum: 0, maximum: maxUint32 }),
  Type.String({ pattern: "^[0-9]{1,10}$" }),
]);
const clientRandomAllowed = `must be an integer from 0 to ${maxUint32}, as a number or a decimal string`;
/** The sender is always the token's subject, so these are accepted and not read. */
const ignored = Type.Optional(Type.Unknown());

const sendMessage = Type.Object(
  {
    content: Type.String({ description: "must be a string" }),
    message_type: optional(
      Type.Literal("text"),
      'must be "text"; media messages come with a later version, system messages are made by the server only',
    ),
    client_random: optional(uint32, clientRandomAllowed),
    metadata: optional(Type.Object({}), "must be an object"),
    conversation_id: optional(Type.String(), "must be the conversation's id"),
    sender_id: ignored,
    user_id: ignored,
    reply_to_id: later("replies"),
    signature: later("signatures"),
    sender_public_key: later("signatures"),
    media_id: later("media messages"),
    ttl_seconds: later("ephemeral messages"),
  },
  { additionalProperties: false },
);

const createConversation = Type.Object(
  {
    type: Type.Literal("direct", { description: 'must be "direct"; groups come with a later version' }),
    other_user_id: optional(Type.String(), "must be the UUID of the other user"),
    user_ids: optional(
      Type.Array(Type.String(), { minItems: 2, maxItems: 2 }),
      "must be exactly two UUIDs: your own and the other user's",
    ),
    name: later("names"),
    metadata: later("settings of conversations"),
    external_group_id: later("groups"),
  },
  { additionalProperties: false },
);

export class Payloads {
  readonly #limits: PayloadLimits;
  readonly #sendMessage = new PayloadShape(sendMessage);
  readonly #createConversation = new PayloadShape(createConversation);

  constructor(options: { readonly limits: PayloadLimits }) {
    this.#limits = options.limits;
  }

  sendMessage(payload: unknown): SendMessageBody | Rejection {
    if (!this.#sendMessage.fits(payload)) return refusedShape(this.#sendMessage.problems(payload));
    const { content, metadata } = payload;
    const problem = contentProblem(content, this.#limits.maxContentBytes);
    if (problem) return refusedField("content", problem.problem);
    const text = metadata ? metadataText(metadata, this.#limits.maxMetadataBytes) : "{}";
    if (typeof text !== "string") return refusedField("metadata", text.problem);
    return sendMessageBody(payload, text);
  }

  createDirect(payload: unknown, creatorId: string): CreateDirectBody | Rejection {
    if (!this.#createConversation.fits(payload)) {
      return refusedShape(this.#createConversation.problems(payload));
    }
    const { other_user_id, user_ids } = payload;
    if (other_user_id && user_ids) return refusedField("user_ids", "must be left out beside other_user_id");
    if (user_ids) return otherOfPair(user_ids, creatorId);
    const otherUserId = readUuid(other_user_id);
    if (!otherUserId) return refusedField("other_user_id", "must be the UUID of the other user");
    return { type: "create_direct_body", otherUserId };
  }
}

function sendMessageBody(payload: Static<typeof sendMessage>, metadata: string): SendMessageBody | Rejection {
  const clientRandom = payload.client_random == null ? null : Number(payload.client_random);
  if (clientRandom !== null && clientRandom > maxUint32) {
    return refusedField("client_random", clientRandomAllowed);
  }
  const conversationId = payload.conversation_id == null ? null : readUuid(payload.conversation_id);
  if (payload.conversation_id != null && !conversationId) {
    return refusedField("conversation_id", "must be the conversation's id");
  }
  return {
    type: "send_message_body",
    conversationId,
    messageType: "text",
    content: payload.content,
    metadata,
    clientRandom: clientRandom === null ? null : clientRandom + 0,
  };
}

/** The fallback form: the pair, with the creator in it. */
function otherOfPair(userIds: readonly string[], creatorId: string): CreateDirectBody | Rejection {
  const pair = userIds.map(readUuid);
  const others = pair.filter((id) => id !== creatorId);
  const [other] = others;
  if (others.length === 1 && other) return { type: "create_direct_body", otherUserId: other };
  return refusedField("user_ids", "must be exactly two UUIDs: your own and the other user's");
}

/** The conversation that a body names must be the one it was sent to. */
export function refusedConversation(): Rejection {
  return refusedField("conversation_id", "must be the conversation that this was sent to, or left out");
}

export function refusedField(name: string, problem: string): Rejection {
  return reject("invalid_payload", `${name} ${problem}.`, { details: { [name]: problem } });
}

function refusedShape(problems: Readonly<Record<string, string>>): Rejection {
  const [first] = Object.entries(problems);
  if (!first) return reject("invalid_payload", "The payload must be a JSON object.");
  return reject("invalid_payload", `${first[0]} ${first[1]}.`, { details: problems });
}
