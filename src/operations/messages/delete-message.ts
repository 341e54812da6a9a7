import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import type { DeleteMessage } from "../../core/messages/delete.ts";
import { isRejection } from "../../core/rejection.ts";
import { aboutMessage, messageQuery } from "../asked.ts";
import { command } from "../command.ts";
import { conversationId, messageId, optional } from "../fields.ts";
import type { Call } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import { text } from "../query-fields.ts";
import { sampleIds } from "../sample-ids.ts";
import { messageAfter } from "../settled-message.ts";
import { optionalInstant } from "../views/instant.ts";
import { closed, instant, messageIdField, nullable } from "../views/schemas.ts";
import { messageReply, messageReplySchema } from "./message-reply.ts";
import { targetOf } from "./target.ts";

const schema = Type.Object({
  message_id: messageId,
  conversation_id: conversationId,
  delete_for_everyone: optional(
    Type.Literal(true),
    "must be true, or left out; deleting for oneself comes with a later version",
  ),
});

export const deleteMessage = command<typeof schema, DeleteMessage>({
  name: "delete_message",
  summary: "Deletes a message for everyone.",
  description:
    "Authors delete their own messages while the delete window is open, owners, admins and moderators of a group those of others. A message " +
    "that was deleted before is not changed, and answered with when that was.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: new PayloadShape({
    operation: "delete_message",
    schema,
    example: { message_id: sampleIds.message },
  }),
  toCommand(body, asked, on) {
    const target = targetOf(body, asked, on);
    if (isRejection(target)) return target;
    return { type: "delete_message", ...target, withinUs: on.limits.deleteWindowMs * 1_000 };
  },
  rest: [
    {
      method: "DELETE",
      path: "/messages/:id",
      at: aboutMessage,
      query: {
        ...messageQuery,
        delete_for_everyone: text(
          Type.Literal("true", { description: "Messages are deleted for everyone; may be left out." }),
        ),
      },
      payloadOf: (call) => ({ delete_for_everyone: forEveryone(call) }),
      replies: {
        200: {
          summary: "The message is deleted.",
          data: closed({
            id: messageIdField,
            is_deleted: Type.Literal(true),
            delete_for_everyone: Type.Literal(true),
            deleted_at: nullable(instant("When it was deleted.")),
          }),
          meta: closed({}),
        },
      },
      answer(settled, { messageId }) {
        const deletedAt = optionalInstant(messageAfter(settled).deletedAtUs);
        const data = `{"id":"${messageId}","is_deleted":true,"delete_for_everyone":true,"deleted_at":${deletedAt}}`;
        return { status: 200, data };
      },
    },
  ],
  channel: {
    topic: "conversation",
    events: ["delete_message"],
    replySchema: messageReplySchema,
    reply: messageReply,
  },
});

/** As it would stand in a payload: whatever is neither true nor left out is refused there. */
function forEveryone({ query }: Call): string | boolean | null {
  const given = query.get("delete_for_everyone");
  return given === "true" ? true : given;
}
