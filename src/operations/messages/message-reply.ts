import { Type } from "@sinclair/typebox";
import type { Settled } from "../command.ts";
import type { Services } from "../services.ts";
import { messageAfter } from "../settled-message.ts";
import { messageSchema } from "../views/message.ts";
import { closed } from "../views/schemas.ts";

/** `duplicate` and `differs` say that the message was stored already, and whether it says something else than what was sent. */
export const duplicateProperties = {
  duplicate: Type.Literal(true, {
    description: "The message was stored already, under the same client_random.",
  }),
  differs: Type.Boolean({ description: "What was sent now is not what is stored." }),
};

export const messageReplySchema = Type.Union([
  closed({ message: messageSchema }),
  closed({ message: messageSchema, ...duplicateProperties }),
]);

/** The ok reply of an event that sends or changes a message. */
export function messageReply(settled: Settled, _command: unknown, { texts }: Services): string {
  const text = `{"message":${texts.of(messageAfter(settled))}`;
  return settled.type === "duplicate" ? `${text},"duplicate":true,"differs":${settled.differs}}` : `${text}}`;
}
