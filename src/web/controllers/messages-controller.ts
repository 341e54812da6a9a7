import { noSuchConversation } from "../../core/authorize.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Outcome } from "../../engine/outcome.ts";
import { readJson } from "../body.ts";
import type { Commands, Queries } from "../domain.ts";
import type { Gate } from "../gate.ts";
import { dataResponse } from "../json-response.ts";
import type { MessageTexts } from "../message-texts.ts";
import { readCursor, readLimit } from "../paging.ts";
import { type Payloads, refusedField } from "../payloads.ts";
import { rejectionResponse } from "../rejections.ts";
import { sendMessageCommand } from "../send-message.ts";
import { readUuid } from "../uuid.ts";
import { messageText } from "../views.ts";
import type { Call, Route } from "./route.ts";

export interface MessagesOptions {
  readonly commands: Commands;
  readonly gate: Gate;
  readonly queries: Queries;
  readonly payloads: Payloads;
  readonly texts: MessageTexts;
  readonly newId: NewId;
  readonly maxBodyBytes: number;
}

/** Messages over REST: contract/rest.md 1.2, #8 and #9. Sending is the same command as the channel's `new_message`. */
export function messageRoutes(options: MessagesOptions): readonly Route[] {
  return [
    { method: "GET", path: "/conversations/:id/messages", run: (call) => history(options, call) },
    { method: "POST", path: "/conversations/:id/messages", run: (call) => sendInto(options, call) },
    { method: "POST", path: "/messages", run: (call) => send(options, call, null) },
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
    `[${page.messages.map(messageText).join()}]`,
    `{"count":${page.messages.length},"conversation_id":"${conversationId}","has_more":${page.hasMore}}`,
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
  const { payloads, newId } = options;
  const tooMany = options.gate.message(call.identity.userId);
  if (tooMany) return tooMany;
  const body = await readJson(call.request, options.maxBodyBytes);
  if (isRejection(body)) return body;
  const senderId = call.identity.userId;
  const command = sendMessageCommand(body.value, { payloads, newId, senderId, conversationId });
  if (command.type === "rejection") return command;
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  options.commands.submit(command, resolve);
  return answer(options.texts, await promise);
}

/** 201 with the new message, 200 with the one that is stored under this `client_random`. Refusals were counted where they were made. */
function answer(texts: MessageTexts, outcome: Outcome): Response {
  switch (outcome.type) {
    case "done":
      return dataResponse(201, outcome.events.map((event) => texts.of(event)).join(), "{}");
    case "duplicate":
      return dataResponse(200, texts.of(outcome.message), `{"duplicate":true,"differs":${outcome.differs}}`);
    case "rejection":
      return rejectionResponse(outcome);
  }
}
