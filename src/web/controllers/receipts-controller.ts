import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { readJson } from "../body.ts";
import { markUnreadCommand, noteMark, receiptCommand } from "../commands/mark.ts";
import type { Marks, Queries } from "../domain.ts";
import { dataResponse } from "../json-response.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { atMessage, messageQuery } from "./place.ts";
import type { Call, Route } from "./route.ts";

export interface ReceiptsOptions extends BoundedReading {
  readonly marks: Marks;
  readonly queries: Queries;
  readonly newId: NewId;
  readonly maxBodyBytes: number;
}

/** Receipts over REST: contract/rest.md 1.2, #12, and `PATCH /messages/:id/receipt`. */
export function receiptRoutes(options: ReceiptsOptions): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/messages/:id/unread",
      query: messageQuery,
      run: (call) => unread(options, call),
    },
    {
      method: "PATCH",
      path: "/messages/:id/receipt",
      query: messageQuery,
      run: (call) => receipt(options, call),
    },
  ];
}

/** The query names the conversation; there is no body. */
async function unread(options: ReceiptsOptions, call: Call): Promise<Response | Rejection> {
  const entry = atMessage(options, call);
  if (isRejection(entry)) return entry;
  const command = markUnreadCommand({}, entry);
  if (isRejection(command)) return command;
  const marked = await options.queries.markUnread(command);
  if (isRejection(marked)) return marked;
  const { messageId, conversationId } = command;
  return dataResponse(
    200,
    `{"message_id":"${messageId}","conversation_id":"${conversationId}","status":"unread"}`,
    "{}",
  );
}

async function receipt(options: ReceiptsOptions, call: Call): Promise<Response | Rejection> {
  const entry = atMessage(options, call);
  if (isRejection(entry)) return entry;
  const body = await readJson(call.request, options.maxBodyBytes);
  if (isRejection(body)) return body;
  const command = receiptCommand(body.value, entry);
  if (isRejection(command)) return command;
  const refusal = await noteMark(options.marks, command);
  if (refusal) return refusal;
  const { messageId, userId, kind } = command;
  return dataResponse(200, `{"message_id":"${messageId}","user_id":"${userId}","status":"${kind}"}`, "{}");
}
