import { type TObject, Type } from "@sinclair/typebox";
import { costs } from "../../core/limits/costs.ts";
import { isRejection } from "../../core/rejection.ts";
import { ignored } from "../fields.ts";
import type { ChannelDoor, Operation } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import { conversationOfTopic } from "../topics/topics.ts";
import { closed } from "../views/schemas.ts";

/** The topic says where, the token says who. */
const place = { conversation_id: ignored, user_id: ignored };
const typingPayload = new PayloadShape({
  operation: "typing",
  example: { typing: true },
  schema: Type.Object({ typing: Type.Boolean({ description: "must be true or false" }), ...place }),
});
const signalPayload = new PayloadShape({ operation: "typing", schema: Type.Object(place) });

export const typing: Operation = {
  name: "typing",
  summary: "Tells the others of a conversation that you type, or that you stopped.",
  description:
    "Answered with ok whether it is passed on or not. It ends by itself after some seconds, and with a message.",
  costs: costs.typing,
  authorizedAs: ["join_conversation"],
  refuses: [],
  rest: [],
  channel: [
    signal("user_typing", typingPayload, ({ typing }) => typing === true),
    signal("typing_start", signalPayload, () => true),
    signal("typing_stop", signalPayload, () => false),
  ],
};

function signal(
  event: string,
  payload: PayloadShape<TObject>,
  isTyping: (body: { readonly typing?: unknown }) => boolean,
): ChannelDoor {
  return {
    topic: "conversation",
    events: [event],
    payload,
    reply: closed({}),
    receive(given, { typing, presences, observer }, _charge, answer) {
      const body = payload.parse(given.payload, observer);
      if (isRejection(body)) return answer(body);
      const conversationId = conversationOfTopic(given.topic);
      // Typing is visible only where the user is shown as online.
      if (presences.shows(given.identity, conversationId))
        typing.signalled(given.identity, conversationId, isTyping(body));
      answer("{}");
    },
  };
}
