import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import type { RemoveReaction } from "../../core/messages/react.ts";
import { isRejection } from "../../core/rejection.ts";
import { aboutMessageLookedUp } from "../asked.ts";
import { command } from "../command.ts";
import { closed, messageIdField } from "../views/schemas.ts";
import {
  type ReactionSchema,
  reactionKeyProblem,
  reactionPayload,
  reactionTarget,
} from "./reaction-fields.ts";
import { relationQuery } from "./relation-query.ts";

export const removeReaction = command<ReactionSchema, RemoveReaction>({
  name: "remove_reaction",
  summary: "Removes your reaction from a message.",
  description: "Also where you did not react.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: reactionPayload,
  toCommand(body, asked, on) {
    const target = reactionTarget(body, asked, on, reactionKeyProblem);
    return isRejection(target) ? target : { type: "remove_reaction", ...target };
  },
  rest: [
    {
      method: "DELETE",
      path: "/messages/:id/reactions/:reaction",
      at: aboutMessageLookedUp,
      query: relationQuery,
      payloadOf: ({ params }) => ({ reaction: params.reaction }),
      replies: {
        200: {
          summary: "You do not react to it so any more.",
          data: closed({ message_id: messageIdField, reaction: Type.String(), deleted: Type.Literal(true) }),
          meta: closed({}),
        },
      },
      answer: (_settled, { messageId, reaction }) => ({
        status: 200,
        data: `{"message_id":"${messageId}","reaction":${JSON.stringify(reaction)},"deleted":true}`,
      }),
    },
  ],
  channel: {
    topic: "conversation",
    events: ["remove_reaction"],
    replySchema: closed({ status: Type.Literal("removed") }),
    reply: () => `{"status":"removed"}`,
  },
});
