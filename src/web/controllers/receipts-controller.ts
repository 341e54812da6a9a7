import { noSuchConversation } from "../../core/authorize.ts";
import { noSuchMessage } from "../../core/messages/edit.ts";
import type { MarkMember } from "../../core/messages/marks.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Entry } from "../commands/entry.ts";
import { markUnreadCommand, noteMark } from "../commands/mark.ts";
import type { Marks, Queries } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { type ReceiptBody, readReceipt } from "../payloads/mark.ts";
import { uuidOrUnknown } from "../uuid.ts";
import { deliveryStatusTexts } from "../views/delivery-status.ts";
import { atMessage, messageQuery, shownMessage } from "./place.ts";
import type { Call, Route } from "./route.ts";

export interface ReceiptsOptions extends BoundedReading {
  readonly marks: Marks;
  readonly queries: Queries;
  readonly newId: NewId;
}

/** Receipts over REST: `PATCH /messages/:id/receipt`, and who has received and read a message. */
export function receiptRoutes(options: ReceiptsOptions): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/messages/:id/unread",
      operations: ["mark_unread"],
      query: messageQuery,
      run: (call) => unread(options, call),
    },
    {
      method: "GET",
      path: "/messages/:id/delivery-status",
      operations: ["show_delivery_status"],
      query: messageQuery,
      run: (call) => status(options, call),
    },
    {
      method: "PATCH",
      path: "/messages/:id/receipt",
      operations: ["mark"],
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

/**
 * The message is looked up as its viewer sees it, whether the request names its conversation or not: a stranger is refused by what is read,
 * in the same time whether there is such a message or not, and not by a mark on its way to the store.
 */
async function receipt(options: ReceiptsOptions, call: Call): Promise<Response | Rejection> {
  const entry = atMessage(options, call);
  if (isRejection(entry)) return entry;
  const read = await call.json();
  if (isRejection(read)) return read;
  const body = readReceipt(read.value, entry);
  if (isRejection(body)) return body;
  const mark = await markOf(options, call, entry, body);
  if (isRejection(mark)) return mark;
  const noted = await noteMark(options.marks, mark, true);
  if (isRejection(noted)) return noted === noSuchConversation ? noSuchMessage : noted;
  const { userId, kind } = mark;
  return dataResponse(
    200,
    `{"message_id":"${entry.messageId}","user_id":"${userId}","status":"${kind}"}`,
    "{}",
  );
}

async function markOf(
  options: ReceiptsOptions,
  call: Call,
  entry: Entry,
  { conversationId: named, status: kind }: ReceiptBody,
): Promise<MarkMember | Rejection> {
  const message = await shownMessage(options, call, "place");
  if (isRejection(message)) return message;
  const { conversationId, seq } = message;
  if ([entry.conversationId, named].some((each) => each !== null && each !== conversationId))
    return noSuchMessage;
  return { type: "mark", conversationId, userId: entry.senderId, kind, seq };
}

/** Of one message, for every member who sees it. */
async function status({ queries, newId }: ReceiptsOptions, call: Call): Promise<Response | Rejection> {
  const messageId = uuidOrUnknown(call.params.id, newId);
  const viewerId = call.identity.userId;
  const recipients = await queries.deliveryStatus({ type: "show_delivery_status", viewerId, messageId });
  if (isRejection(recipients)) return recipients;
  const meta = `{"message_id":"${messageId}","count":${recipients.length}}`;
  return dataResponse(200, deliveryStatusTexts(messageId, recipients), meta);
}
