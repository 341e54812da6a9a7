import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { messageOfPath } from "../asked.ts";
import { query } from "../query.ts";
import {
  reactionSchema,
  reactionSummarySchema,
  reactionSummaryText,
  reactionTexts,
} from "../views/reaction.ts";
import { closed, messageIdField } from "../views/schemas.ts";
import { relationQuery } from "./relation-query.ts";

export const listReactions = query({
  name: "list_reactions",
  summary: "Lists the reactions to a message.",
  costs: costs.read,
  authorizedAs: ["show_message"],
  refuses: ["not_found"],
  method: "GET",
  path: "/messages/:id/reactions",
  query: relationQuery,
  replies: {
    200: {
      summary: "All reactions, the oldest first.",
      data: Type.Array(reactionSchema),
      meta: closed({ message_id: messageIdField, summary: reactionSummarySchema }),
    },
  },
  async answer(call, on) {
    const message = await messageOfPath(call, on, "reactions");
    if (isRejection(message)) return message;
    const meta = `{"message_id":"${message.id}","summary":${reactionSummaryText(message.reactions)}}`;
    return { status: 200, data: reactionTexts(message.id, message.reactions?.list ?? []), meta };
  },
});
