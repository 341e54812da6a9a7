import { Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { askedOnTopic } from "../command.ts";
import { conversationId } from "../fields.ts";
import type { Operation } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import { sampleIds } from "../sample-ids.ts";
import { closed, count } from "../views/schemas.ts";
import { markOf, noteMark, wholeConversation } from "./marking.ts";

const payload = new PayloadShape({
  operation: "mark_conversation_read",
  example: { conversation_id: sampleIds.conversation },
  schema: Type.Object({ conversation_id: conversationId }),
});

export const markConversationRead: Operation = {
  name: "mark_conversation_read",
  summary: "Marks a whole conversation as read by you.",
  costs: costs.mark,
  authorizedAs: ["mark"],
  refuses: ["not_found", "outcome_unknown"],
  rest: [],
  channel: [
    {
      topic: "user",
      events: ["mark_conversation_read"],
      payload,
      reply: closed({
        status: Type.Literal("read"),
        messages_marked: count("How many messages of others were read by it."),
      }),
      async receive(event, on, _charge, answer) {
        const asked = askedOnTopic("user", event);
        const body = payload.parse(asked.payload, on.observer);
        const mark = isRejection(body) ? body : markOf(body, "read", asked, wholeConversation);
        if (isRejection(mark)) return answer(mark);
        const noted = await noteMark(on.marks, mark, false);
        answer(isRejection(noted) ? noted : `{"status":"read","messages_marked":${noted.newlyRead}}`);
      },
    },
  ],
};
