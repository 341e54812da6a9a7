import { messageSchema } from "../views/message.ts";
import { closed } from "../views/schemas.ts";
import { everyTopic, push } from "./push.ts";

export const newMessage = push({
  names: ["new_message"],
  topics: everyTopic,
  summary: "Brings a message that was sent.",
  payload: closed({ message: messageSchema }),
  /** `encoded`: the message's text. */
  encode: (encoded: string) => `{"message":${encoded}}`,
});
