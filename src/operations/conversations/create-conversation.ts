import { Type } from "@sinclair/typebox";
import type { CreateDirect, CreateGroup } from "../../core/conversations/create.ts";
import { costs } from "../../core/limits/costs.ts";
import type { Outcome } from "../../core/outcome.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { keyedId } from "../keyed-id.ts";
import { duplicateProperties } from "../messages/message-reply.ts";
import type { Answer, Call, Operation } from "../operation.ts";
import { noQuery } from "../query-fields.ts";
import type { Services } from "../services.ts";
import { conversationSchema, conversationText } from "../views/conversation.ts";
import { closed } from "../views/schemas.ts";
import { type CreateGroupBody, directPayload, groupPayload, readCreation } from "./creation-payload.ts";
import { idempotencyKeySchema, readIdempotencyKey } from "./idempotency-key.ts";
import { shown } from "./shown.ts";

/**
 * The only operation that concerns no conversation yet. Two users have one direct conversation, however often it is created; a group is created
 * once under the same key (the `Idempotency-Key` header, or `client_random`).
 */
export const createConversation: Operation = {
  name: "create_conversation",
  summary: "Creates a direct conversation or a group.",
  description:
    "Two users have one direct conversation, however often it is created. A group is created once under the same Idempotency-Key header, or " +
    "the same client_random, of the same user and device.",
  costs: costs.creation,
  authorizedAs: ["create_direct", "create_group"],
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  rest: [
    {
      method: "POST",
      path: "/conversations",
      query: noQuery,
      headers: { "idempotency-key": idempotencyKeySchema },
      body: { shapes: [directPayload, groupPayload], isOptional: false },
      replies: {
        201: { summary: "The new conversation.", data: conversationSchema, meta: closed({}) },
        200: {
          summary: "The conversation that exists already.",
          data: conversationSchema,
          meta: Type.Union([
            closed({}, { description: "Of a direct conversation." }),
            closed(duplicateProperties, { description: "Of a group, which was created under the same key." }),
          ]),
        },
      },
      answer,
    },
  ],
  channel: [],
};

async function answer(call: Call, on: Services): Promise<Answer | Rejection> {
  const read = await call.json();
  if (isRejection(read)) return read;
  const key = readIdempotencyKey(call);
  if (isRejection(key)) return key;
  const creatorId = call.caller.userId;
  const body = readCreation(read.value, creatorId, on);
  if (isRejection(body)) return body;
  const { asksFirst } = on.limits;
  const own = { creatorId, asksFirst, atUs: on.clock.nowUs() };
  if (body.type === "group")
    return createGroup(call, on, { ...own, type: "create_group", ...groupOf(call, on, key, body) });
  const { otherUserId } = body;
  return createDirect(call, on, { ...own, type: "create_direct", id: on.newId(), otherUserId });
}

/** A group that is created under a key has an id that follows from the key. */
function groupOf(
  { caller: { userId, deviceId } }: Call,
  { newId }: Services,
  header: string | null,
  { otherUserIds, metadata, clientRandom }: CreateGroupBody,
): Pick<CreateGroup, "id" | "otherUserIds" | "metadata"> {
  const key = header ?? (clientRandom === null ? null : `client_random ${clientRandom}`);
  return { id: key === null ? newId() : keyedId({ userId, deviceId, key }), otherUserIds, metadata };
}

async function createDirect(call: Call, on: Services, command: CreateDirect): Promise<Answer | Rejection> {
  const made = await on.queries.createDirect(command, call.charge);
  if (isRejection(made)) return made;
  if (made.hasDeclined) return returnToDirect(call, on, made.conversationId, command);
  return { status: made.created ? 201 : 200, data: conversationText(made.summary) };
}

/** Brings a user who declined the conversation back into it. Answers 200, as for a conversation that exists. */
async function returnToDirect(
  { charge }: Call,
  on: Services,
  conversationId: string,
  { id, creatorId: senderId, otherUserId }: CreateDirect,
): Promise<Answer | Rejection> {
  const command = { type: "return_to_direct", id, conversationId, senderId, otherUserId } as const;
  const outcome = await new Promise<Outcome>((resolve) => on.commands.submit(command, resolve, charge));
  return isRejection(outcome) ? outcome : shown(on, senderId, conversationId);
}

async function createGroup(
  { charge }: Call,
  { queries }: Services,
  command: CreateGroup,
): Promise<Answer | Rejection> {
  const made = await queries.createGroup(command, charge);
  if (isRejection(made)) return made;
  const { summary, created, differs } = made;
  if (created) return { status: 201, data: conversationText(summary) };
  return { status: 200, data: conversationText(summary), meta: `{"duplicate":true,"differs":${differs}}` };
}
