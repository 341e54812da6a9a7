import { costs } from "../../core/limits/costs.ts";
import { type AddReaction, reactionOf } from "../../core/messages/react.ts";
import { isRejection } from "../../core/rejection.ts";
import { aboutMessageLookedUp } from "../asked.ts";
import { command, type Settled } from "../command.ts";
import { messageAfter } from "../settled-message.ts";
import { reactionSchema, reactionText } from "../views/reaction.ts";
import { closed } from "../views/schemas.ts";
import { type ReactionSchema, reactionPayload, reactionProblem, reactionTarget } from "./reaction-fields.ts";
import { relationQuery } from "./relation-query.ts";

export const addReaction = command<ReactionSchema, AddReaction>({
  name: "add_reaction",
  summary: "Reacts to a message.",
  description: "The same reaction of the same user is given once.",
  costs: costs.change,
  refuses: ["not_found", "forbidden", "conflict", "outcome_unknown"],
  payload: reactionPayload,
  toCommand(body, asked, on) {
    const target = reactionTarget(body, asked, on, reactionProblem);
    return isRejection(target) ? target : { type: "add_reaction", ...target };
  },
  rest: [
    {
      method: "POST",
      path: "/messages/:id/reactions",
      at: aboutMessageLookedUp,
      query: relationQuery,
      replies: {
        201: { summary: "The reaction.", data: reactionSchema, meta: closed({}) },
        200: { summary: "The reaction, which was given before.", data: reactionSchema, meta: closed({}) },
      },
      answer: (settled, command) => ({
        status: settled.type === "done" ? 201 : 200,
        data: givenText(settled, command),
      }),
    },
  ],
  channel: {
    topic: "conversation",
    events: ["add_reaction"],
    replySchema: closed({ reaction: reactionSchema }),
    reply: (settled, command) => `{"reaction":${givenText(settled, command)}}`,
  },
});

function givenText(settled: Settled, { messageId, senderId, reaction }: AddReaction): string {
  return reactionText(messageId, reactionOf(messageAfter(settled), senderId, reaction)!);
}
