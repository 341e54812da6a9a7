import type { NewId } from "../../core/ports/ids.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { deleteMessageCommand, editMessageCommand } from "../commands/change-message.ts";
import type { Commands } from "../domain.ts";
import { dataResponse } from "../http/json-response.ts";
import type { BoundedReading } from "../payloads/limits.ts";
import type { MessageTexts } from "../realtime/message-texts.ts";
import { instantText } from "../views/instant.ts";
import { atMessage, messageQuery } from "./place.ts";
import type { Call, Route } from "./route.ts";
import { messageOf } from "./submitted.ts";

export interface MessageChangesOptions extends BoundedReading {
  readonly commands: Commands;
  readonly texts: MessageTexts;
  readonly newId: NewId;
}

/** Edits and deletions over REST. */
export function messageChangeRoutes(options: MessageChangesOptions): readonly Route[] {
  return [
    {
      method: "PUT",
      path: "/messages/:id",
      operations: ["edit_message"],
      query: messageQuery,
      run: (call) => edit(options, call),
    },
    {
      method: "DELETE",
      path: "/messages/:id",
      operations: ["delete_message"],
      query: [...messageQuery, "delete_for_everyone"],
      run: (call) => remove(options, call),
    },
  ];
}

async function edit(options: MessageChangesOptions, call: Call): Promise<Response | Rejection> {
  const entry = atMessage(options, call);
  if (isRejection(entry)) return entry;
  const body = await call.json();
  if (isRejection(body)) return body;
  const command = editMessageCommand(body.value, entry);
  if (isRejection(command)) return command;
  const edited = await messageOf(options.commands, command, call.charge);
  if (edited instanceof Response) return edited;
  const { message } = edited;
  const meta = `{"edited":true,"edited_at":${optionalInstant(message.editedAtUs)}}`;
  return dataResponse(200, options.texts.of(message), meta);
}

/** A message that was deleted before is not changed, and answered with when that was. */
async function remove(options: MessageChangesOptions, call: Call): Promise<Response | Rejection> {
  const entry = atMessage(options, call);
  if (isRejection(entry)) return entry;
  const command = deleteMessageCommand({ delete_for_everyone: forEveryone(call.query) }, entry);
  if (isRejection(command)) return command;
  const deleted = await messageOf(options.commands, command, call.charge);
  if (deleted instanceof Response) return deleted;
  const deletedAt = optionalInstant(deleted.message.deletedAtUs);
  return dataResponse(
    200,
    `{"id":"${command.messageId}","is_deleted":true,"delete_for_everyone":true,"deleted_at":${deletedAt}}`,
    "{}",
  );
}

/** As it would stand in a payload: whatever is neither true nor left out is refused there. */
function forEveryone(query: URLSearchParams): string | boolean | null {
  const text = query.get("delete_for_everyone");
  return text === "true" ? true : text;
}

function optionalInstant(us: number | null): string {
  return us === null ? "null" : `"${instantText(us)}"`;
}
