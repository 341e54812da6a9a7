import { reactionOf } from "../../core/messages/react.ts";
import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { addReactionCommand, attachMediaCommand, removeReactionCommand } from "../commands/change-message.ts";
import type { Entry } from "../commands/entry.ts";
import type { Commands, Queries } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import { attachmentText, attachmentTexts } from "../views/attachment.ts";
import { reactionSummaryText, reactionText, reactionTexts } from "../views/reaction.ts";
import { atMessage, messageQuery, shownMessage } from "./place.ts";
import type { Call, Route } from "./route.ts";
import { messageOf } from "./submitted.ts";

export interface MessageRelationsOptions extends BoundedReading {
  readonly commands: Commands;
  readonly queries: Queries;
  readonly newId: NewId;
}

/** Reactions and attachments over REST. */
export function messageRelationRoutes(options: MessageRelationsOptions): readonly Route[] {
  // The existing client names itself in the query of what it takes back; the token says who that is.
  const query = [...messageQuery, "user_id"];
  return [
    {
      method: "GET",
      path: "/messages/:id/reactions",
      operations: ["show_message"],
      query,
      run: (call) => reactions(options, call),
    },
    {
      method: "POST",
      path: "/messages/:id/reactions",
      operations: ["add_reaction"],
      query,
      run: (call) => react(options, call),
    },
    {
      method: "DELETE",
      path: "/messages/:id/reactions/:reaction",
      operations: ["remove_reaction"],
      query,
      run: (call) => unreact(options, call),
    },
    {
      method: "GET",
      path: "/messages/:id/attachments",
      operations: ["show_message"],
      query,
      run: (call) => attachments(options, call),
    },
    {
      method: "POST",
      path: "/messages/:id/attachments",
      operations: ["attach_media"],
      query,
      run: (call) => attach(options, call),
    },
  ];
}

async function reactions(options: MessageRelationsOptions, call: Call): Promise<Response | Rejection> {
  const message = await shownMessage(options, call, "reactions");
  if (isRejection(message)) return message;
  const meta = `{"message_id":"${message.id}","summary":${reactionSummaryText(message.reactions)}}`;
  return dataResponse(200, reactionTexts(message.id, message.reactions?.list ?? []), meta);
}

/** 201 with the new one, 200 with the one that is there. */
async function react(options: MessageRelationsOptions, call: Call): Promise<Response | Rejection> {
  const body = await call.json();
  if (isRejection(body)) return body;
  const entry = await located(options, call);
  if (isRejection(entry)) return entry;
  const command = addReactionCommand(body.value, entry);
  if (isRejection(command)) return command;
  const reacted = await messageOf(options.commands, command, call.charge);
  if (reacted instanceof Response) return reacted;
  const given = reactionOf(reacted.message, command.senderId, command.reaction)!;
  return dataResponse(reacted.isChanged ? 201 : 200, reactionText(command.messageId, given), "{}");
}

async function unreact(options: MessageRelationsOptions, call: Call): Promise<Response | Rejection> {
  const entry = await located(options, call);
  if (isRejection(entry)) return entry;
  const command = removeReactionCommand({ reaction: call.params.reaction }, entry);
  if (isRejection(command)) return command;
  const left = await messageOf(options.commands, command, call.charge);
  if (left instanceof Response) return left;
  const { messageId, reaction } = command;
  const data = `{"message_id":"${messageId}","reaction":${JSON.stringify(reaction)},"deleted":true}`;
  return dataResponse(200, data, "{}");
}

async function attachments(options: MessageRelationsOptions, call: Call): Promise<Response | Rejection> {
  const message = await shownMessage(options, call, "attachments");
  if (isRejection(message)) return message;
  const meta = `{"message_id":"${message.id}","count":${message.attachments?.length ?? 0}}`;
  return dataResponse(200, attachmentTexts(message.id, message.attachments), meta);
}

/** 201 with the new one, 200 with the one that refers to the same media. */
async function attach(options: MessageRelationsOptions, call: Call): Promise<Response | Rejection> {
  const body = await call.json();
  if (isRejection(body)) return body;
  const entry = await located(options, call);
  if (isRejection(entry)) return entry;
  const command = attachMediaCommand(body.value, entry);
  if (isRejection(command)) return command;
  const attached = await messageOf(options.commands, command, call.charge);
  if (attached instanceof Response) return attached;
  const { mediaId } = command.attachment;
  const found = attached.message.attachments!.find((each) => each.mediaId === mediaId)!;
  return dataResponse(attached.isChanged ? 201 : 200, attachmentText(command.messageId, found), "{}");
}

/** What clients send here names no conversation: it is looked up, as its viewer sees it. */
async function located(options: MessageRelationsOptions, call: Call): Promise<Entry | Rejection> {
  const entry = atMessage(options, call);
  if (isRejection(entry) || entry.conversationId !== null) return entry;
  const message = await shownMessage(options, call, "place");
  return isRejection(message) ? message : { ...entry, conversationId: message.conversationId };
}
