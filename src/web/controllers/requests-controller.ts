import { noSuchConversation } from "../../core/authorize.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Commands, Queries } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import { readUuid } from "../uuid.ts";
import { conversationText } from "../views/conversation.ts";
import type { Call, Route } from "./route.ts";
import { eventsOf } from "./submitted.ts";

export interface RequestsOptions {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly newId: NewId;
}

/** A first contact that waits for an answer: `state` is `request` in the list of the user who is asked. */
export function requestRoutes(options: RequestsOptions): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/conversations/:id/accept",
      operations: ["accept_conversation"],
      run: (call) => accept(options, call),
    },
    {
      method: "POST",
      path: "/conversations/:id/decline",
      operations: ["decline_conversation"],
      run: (call) => decline(options, call),
    },
  ];
}

/** Answers with the conversation as it is then. */
async function accept(
  { commands, queries, newId }: RequestsOptions,
  call: Call,
): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const senderId = call.identity.userId;
  const command = { type: "accept_conversation", id: newId(), conversationId, senderId } as const;
  const events = await eventsOf(commands, command, call.charge);
  if (events instanceof Response) return events;
  const summary = await queries.show({ type: "show_conversation", viewerId: senderId, conversationId });
  return isRejection(summary) ? summary : dataResponse(200, conversationText(summary), "{}");
}

async function decline({ commands, newId }: RequestsOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const senderId = call.identity.userId;
  const command = { type: "decline_conversation", id: newId(), conversationId, senderId } as const;
  const events = await eventsOf(commands, command, call.charge);
  if (events instanceof Response) return events;
  return dataResponse(200, `{"conversation_id":"${conversationId}","declined":true}`, "{}");
}
