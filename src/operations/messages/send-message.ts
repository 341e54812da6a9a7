import { type Static, Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import { maxAttachments } from "../../core/messages/attachment.ts";
import type { SendMessage } from "../../core/messages/send.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { type Asked, anywhere, conversationOf, inConversation } from "../asked.ts";
import { type CommandRoute, command } from "../command.ts";
import {
  clientRandom,
  clientRandomAllowed,
  clientRandomIn,
  content,
  conversationId,
  elsewhere,
  ignored,
  later,
  mentionsSomebody,
  metadata,
  optional,
  uuid,
} from "../fields.ts";
import { contentRefusal, metadataText } from "../opaque.ts";
import { PayloadShape } from "../payload-shape.ts";
import { refusedField } from "../refused-field.ts";
import type { Services } from "../services.ts";
import { messageAfter } from "../settled-message.ts";
import { messageSchema } from "../views/message.ts";
import { closed } from "../views/schemas.ts";
import { attachmentEntry, attachmentsAllowed, readAttachments } from "./attachment-fields.ts";
import { duplicateProperties, messageReply, messageReplySchema } from "./message-reply.ts";

const schema = Type.Object({
  content,
  message_type: optional(
    Type.Union([Type.Literal("text"), Type.Literal("media")]),
    'must be "text" or "media"; system messages are made by the server only',
    "By default text.",
  ),
  client_random: clientRandom,
  metadata,
  conversation_id: conversationId,
  sender_id: ignored,
  user_id: ignored,
  reply_to_id: optional(uuid, "must be the id of the message that this one answers"),
  attachments: optional(Type.Array(attachmentEntry, { maxItems: maxAttachments }), attachmentsAllowed),
  signature: later("signatures"),
  sender_public_key: later("signatures"),
  media_id: elsewhere("media are named in attachments"),
  ttl_seconds: later("ephemeral messages"),
});

type Body = Static<typeof schema>;

/** The content of the same message sent again is compared, so that a client that reuses a key notices. */
const answered: Pick<CommandRoute<SendMessage>, "replies" | "answer"> = {
  replies: {
    201: { summary: "The message is stored.", data: messageSchema, meta: closed({}) },
    200: {
      summary: "The message that is stored under this client_random already.",
      data: messageSchema,
      meta: closed(duplicateProperties),
    },
  },
  answer(settled, _command, { texts }) {
    const data = texts.of(messageAfter(settled));
    if (settled.type !== "duplicate") return { status: 201, data };
    return { status: 200, data, meta: `{"duplicate":true,"differs":${settled.differs}}` };
  },
};

export const sendMessage = command<typeof schema, SendMessage>({
  name: "send_message",
  summary: "Sends a message to a conversation.",
  description:
    "The reply is given when the message is stored. Sent again under the same client_random by the same device within 24 h, it is stored " +
    "once, and the first message is the reply.",
  costs: costs.message,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: new PayloadShape({
    operation: "send_message",
    nestedIn: "message",
    schema,
    example: { content: "Hello Bob", client_random: 4_021_337 },
  }),
  toCommand,
  rest: [
    { method: "POST", path: "/conversations/:id/messages", at: inConversation, ...answered },
    { name: "send_message_by_conversation_id", method: "POST", path: "/messages", at: anywhere, ...answered },
  ],
  channel: {
    topic: "conversation",
    events: ["new_message", "send_message"],
    frame: "content",
    replySchema: messageReplySchema,
    reply: messageReply,
  },
});

function toCommand(body: Body, asked: Asked, { newId, limits, observer }: Services): SendMessage | Rejection {
  const refusal = isBareMedia(body) ? null : contentRefusal(body.content, limits.maxContentBytes);
  if (refusal) return refusal;
  const text = body.metadata ? metadataText(body.metadata, limits.maxMetadataBytes) : "{}";
  if (isRejection(text)) return text;
  const attachments = readAttachments(body.attachments ?? [], { limits, observer });
  if (isRejection(attachments)) return attachments;
  const messageType = body.message_type ?? "text";
  if (attachments.length > 0 && messageType !== "media") return refusedField("attachments", onlyMedia);
  const random = clientRandomIn(body.client_random);
  if (random === undefined) return refusedField("client_random", clientRandomAllowed);
  const conversationId = conversationOf(asked, body.conversation_id);
  if (isRejection(conversationId)) return conversationId;
  return {
    type: "send_message",
    id: newId(),
    conversationId,
    senderId: asked.caller.userId,
    deviceTag: asked.caller.deviceTag,
    messageType,
    content: body.content,
    metadata: text,
    clientRandom: random,
    replyToId: body.reply_to_id ?? null,
    attachments: attachments.length > 0 ? attachments.map((each) => ({ id: newId(), ...each })) : null,
    mentions: mentionsSomebody(body.metadata),
  };
}

/** Media without a text: they need none. */
function isBareMedia({ message_type, content }: Body): boolean {
  return message_type === "media" && content === "";
}

const onlyMedia = 'must be left out, or message_type must be "media"';
