import { noSuchConversation } from "../../core/authorize.ts";
import type { CreateDirect, CreateGroup } from "../../core/conversations/create.ts";
import type { Charge } from "../../core/limits/charge.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { createConversationCommand } from "../commands/create-conversation.ts";
import { updateConversationCommand } from "../commands/update-conversation.ts";
import type { Commands, Queries } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";
import { readLimit, readOffset } from "../paging.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { readUuid } from "../uuid.ts";
import { conversationText, summaryText } from "../views/conversation.ts";
import { atConversation } from "./place.ts";
import type { Call, Route } from "./route.ts";
import { eventsOf } from "./submitted.ts";

export interface ConversationsOptions extends BoundedReading {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly newId: NewId;
  readonly clock: Clock;
}

/** Conversations over REST. */
export function conversationRoutes(options: ConversationsOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/conversations",
      operations: ["list_conversations"],
      query: ["limit", "offset", "include_archived"],
      run: (call) => list(options, call),
    },
    {
      method: "POST",
      path: "/conversations",
      operations: ["create_group", "create_direct", "return_to_direct"],
      run: (call) => create(options, call),
    },
    {
      method: "GET",
      path: "/conversations/:id",
      operations: ["show_conversation"],
      run: (call) => show(options, call),
    },
    {
      method: "PUT",
      path: "/conversations/:id",
      operations: ["update_conversation"],
      run: (call) => update(options, call),
    },
  ];
}

async function list({ queries }: ConversationsOptions, call: Call): Promise<Response | Rejection> {
  const limit = readLimit(call.query);
  if (typeof limit !== "number") return limit;
  const offset = readOffset(call.query);
  if (typeof offset !== "number") return offset;
  const viewerId = call.identity.userId;
  const page = await queries.list({ type: "list_conversations", viewerId, limit, offset });
  if (isRejection(page)) return page;
  const count = page.summaries.length;
  return dataResponse(
    200,
    `[${page.summaries.map(summaryText).join()}]`,
    `{"count":${count},"limit":${limit},"offset":${offset},"has_more":${page.hasMore}}`,
  );
}

async function show(options: ConversationsOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  // An id that is none gets the answer of one that does not exist.
  return conversationId ? shown(options, call, conversationId) : noSuchConversation;
}

async function shown(
  { queries }: ConversationsOptions,
  call: Call,
  conversationId: string,
): Promise<Response | Rejection> {
  const viewerId = call.identity.userId;
  const summary = await queries.show({ type: "show_conversation", viewerId, conversationId });
  return isRejection(summary) ? summary : dataResponse(200, conversationText(summary), "{}");
}

/** Answers with the conversation as it is then. */
async function update(options: ConversationsOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const body = await call.json();
  if (isRejection(body)) return body;
  const command = updateConversationCommand(body.value, atConversation(options, call, conversationId));
  if (isRejection(command)) return command;
  const events = await eventsOf(options.commands, command, call.charge);
  return events instanceof Response ? events : shown(options, call, conversationId);
}

/** 201 with the new conversation, 200 with the one that two users have, or that was created under the same key. */
async function create(options: ConversationsOptions, call: Call): Promise<Response | Rejection> {
  const { queries, limits, observer, newId, clock } = options;
  const body = await call.json();
  if (isRejection(body)) return body;
  const key = readIdempotencyKey(call.request);
  if (key !== null && typeof key !== "string") return key;
  const { userId: creatorId, deviceId } = call.identity;
  const entered = { limits, observer, newId, creatorId, deviceId, key, atUs: clock.nowUs() };
  const command = createConversationCommand(body.value, entered);
  switch (command.type) {
    case "rejection":
      return command;
    case "create_direct":
      return createDirect(options, call, command);
    case "create_group":
      return createGroup(queries, command, call.charge);
  }
}

async function createDirect(
  options: ConversationsOptions,
  call: Call,
  command: CreateDirect,
): Promise<Response | Rejection> {
  const made = await options.queries.createDirect(command, call.charge);
  if (isRejection(made)) return made;
  if (made.hasDeclined) return returnToDirect(options, call, made.conversationId, command);
  return dataResponse(made.created ? 201 : 200, conversationText(made.summary), "{}");
}

/** Brings a user who declined the conversation back into it. Answers 200, as for a conversation that exists. */
async function returnToDirect(
  options: ConversationsOptions,
  call: Call,
  conversationId: string,
  { id, creatorId: senderId, otherUserId }: CreateDirect,
): Promise<Response | Rejection> {
  const command = { type: "return_to_direct", id, conversationId, senderId, otherUserId } as const;
  const events = await eventsOf(options.commands, command, call.charge);
  return events instanceof Response ? events : shown(options, call, conversationId);
}

async function createGroup(
  queries: Queries,
  command: CreateGroup,
  charge: Charge,
): Promise<Response | Rejection> {
  const made = await queries.createGroup(command, charge);
  if (isRejection(made)) return made;
  const { summary, created, differs } = made;
  if (created) return dataResponse(201, conversationText(summary), "{}");
  return dataResponse(200, conversationText(summary), `{"duplicate":true,"differs":${differs}}`);
}
