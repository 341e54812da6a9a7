import { noSuchConversation } from "../../core/authorize.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/conversation/outcome.ts";
import { sendMessageCommand } from "../commands/send-message.ts";
import type { Commands, Queries } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import { rejectionResponse } from "../http/rejections.ts";
import { readCursor, readLimit } from "../paging.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { refusedField } from "../payloads/refused-field.ts";
import type { MessageTexts } from "../realtime/message-texts.ts";
import { messageIn } from "../realtime/outcome-message.ts";
import { readUuid } from "../uuid.ts";
import { seenTexts } from "../views/message.ts";
import { atConversation } from "./place.ts";
import type { Call, Route } from "./route.ts";
import { submitted } from "./submitted.ts";

export interface MessagesOptions extends BoundedReading {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly texts: MessageTexts;
  readonly newId: NewId;
}

/** Messages over REST. Sending is the same command as the channel's `new_message`. */
export function messageRoutes(options: MessagesOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/conversations/:id/messages",
      operations: ["read_history"],
      query: ["limit", "before", "after", "search"],
      run: (call) => history(options, call),
    },
    {
      method: "POST",
      path: "/conversations/:id/messages",
      operations: ["send_message"],
      run: (call) => sendInto(options, call),
    },
    {
      method: "POST",
      path: "/messages",
      operations: ["send_message"],
      run: (call) => send(options, call, null),
    },
  ];
}

/** Newest first, whichever cursor is given. */
async function history({ queries }: MessagesOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  if (!conversationId) return noSuchConversation;
  const bounds = readPage(call.query);
  if ("type" in bounds) return bounds;
  const viewerId = call.identity.userId;
  const page = await queries.history({ type: "read_history", viewerId, conversationId, ...bounds });
  if (isRejection(page)) return page;
  return dataResponse(
    200,
    seenTexts(page.messages),
    `{"count":${page.messages.length},"total":${page.total},"conversation_id":"${conversationId}","has_more":${page.hasMore}}`,
  );
}

function readPage(query: URLSearchParams) {
  const limit = readLimit(query);
  if (typeof limit !== "number") return limit;
  const before = readCursor(query, "before");
  if (before && "type" in before) return before;
  const after = readCursor(query, "after");
  if (after && "type" in after) return after;
  if (before && after) return refusedField("after", "must be left out beside before");
  if (query.has("search")) return refusedField("search", "comes with a later version");
  return { limit, before, after };
}

async function sendInto(options: MessagesOptions, call: Call): Promise<Response | Rejection> {
  const conversationId = readUuid(call.params.id);
  return conversationId ? send(options, call, conversationId) : noSuchConversation;
}

async function send(
  options: MessagesOptions,
  call: Call,
  conversationId: string | null,
): Promise<Response | Rejection> {
  const body = await call.json();
  if (isRejection(body)) return body;
  const command = sendMessageCommand(body.value, atConversation(options, call, conversationId));
  if (isRejection(command)) return command;
  return answer(options.texts, await submitted(options.commands, command, call.charge));
}

/** 201 with the new message, 200 with the one that is stored under this `client_random`. Refusals were counted where they were made. */
function answer(texts: MessageTexts, outcome: Outcome): Response {
  switch (outcome.type) {
    case "done":
      return dataResponse(201, texts.of(messageIn(outcome.events)!), "{}");
    case "duplicate":
      return dataResponse(200, texts.of(outcome.message), `{"duplicate":true,"differs":${outcome.differs}}`);
    case "rejection":
      return rejectionResponse(outcome);
    case "unchanged":
      throw new Error("a message was sent and nothing came of it");
  }
}
