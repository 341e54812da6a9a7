import { costs } from "../../core/limits/costs.ts";
import { noSuchMessage } from "../../core/messages/edit.ts";
import { isRejection } from "../../core/rejection.ts";
import { lookedUpQuery, messageOfPath } from "../asked.ts";
import { query } from "../query.ts";
import { messageSchema, seenText } from "../views/message.ts";
import { closed } from "../views/schemas.ts";

export const showMessage = query({
  name: "show_message",
  summary: "Shows one message, by its id alone.",
  description: "What you do not see looks the same as what does not exist.",
  costs: costs.read,
  refuses: ["not_found"],
  method: "GET",
  path: "/messages/:id",
  query: lookedUpQuery,
  replies: {
    200: { summary: "The message as you see it.", data: messageSchema, meta: closed({}) },
  },
  /** Reads a history page with this one message. It shows the delivery status only to the sender. */
  async answer(call, on) {
    const place = await messageOfPath(call, on, "place");
    if (isRejection(place)) return place;
    const { conversationId, seq } = place;
    const page = await on.queries.history({
      type: "read_history",
      viewerId: call.caller.userId,
      conversationId,
      limit: 1,
      before: { by: "seq", seq: seq + 1 },
      after: null,
    });
    if (isRejection(page)) return page;
    const [message] = page.messages;
    return message?.message.id === place.id ? { status: 200, data: seenText(message) } : noSuchMessage;
  },
});
