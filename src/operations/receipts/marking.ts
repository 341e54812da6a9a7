import { type Static, Type } from "@sinclair/typebox";
import type { Charge } from "../../core/limits/charge.ts";
import type { MarkKind, MarkMember } from "../../core/messages/marks.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { type Asked, conversationOf } from "../asked.ts";
import { askedOnTopic } from "../command.ts";
import { conversationId, messageId, optional } from "../fields.ts";
import type { ChannelDoor } from "../operation.ts";
import { PayloadShape } from "../payload-shape.ts";
import { refusedField } from "../refused-field.ts";
import { sampleIds } from "../sample-ids.ts";
import type { Marks } from "../services.ts";
import type { TopicKind } from "../topics/topics.ts";
import { closed } from "../views/schemas.ts";
import { numberIn, positiveNumber } from "../whole-number.ts";

/** A mark up to a message of which only the id is known. */
interface MarkMessage extends Omit<MarkMember, "type" | "seq"> {
  readonly type: "mark_message";
  readonly messageId: string;
}

export type Mark = MarkMember | MarkMessage;

const markSchema = Type.Object({
  message_id: messageId,
  seq: optional(positiveNumber, "must be the seq of a message"),
  conversation_id: conversationId,
});
export const markPayload = new PayloadShape({
  operation: "mark",
  schema: markSchema,
  example: { conversation_id: sampleIds.conversation, message_id: sampleIds.message },
});
type MarkBody = Static<typeof markSchema>;

/** Marks move at most to the head. */
export const wholeConversation = Number.MAX_SAFE_INTEGER;

/** A mark of everything up to the message that the payload names, by its id or its seq. `absent`: up to where when it names none. */
export function markOf(
  body: MarkBody,
  kind: MarkKind,
  asked: Asked,
  absent: number | Rejection = targetMissing,
): Mark | Rejection {
  const messageId = body.message_id ?? null;
  const seq = numberIn(body.seq);
  if (messageId !== null && seq !== null) return refusedField("seq", "must be left out beside message_id");
  if (messageId === null && seq === null && typeof absent !== "number") return absent;
  const conversationId = conversationOf(asked, body.conversation_id);
  if (isRejection(conversationId)) return conversationId;
  const { userId } = asked.caller;
  if (messageId !== null) return { type: "mark_message", conversationId, userId, kind, messageId };
  return { type: "mark", conversationId, userId, kind, seq: seq ?? (absent as number) };
}

/** Resolves when the mark is durable, within about a second, or with its refusal. `newlyRead`: messages of others, by this mark. `isMember`: it is known that its user is a member. */
export async function noteMark(
  marks: Marks,
  mark: Mark,
  isMember: boolean,
): Promise<{ readonly newlyRead: number } | Rejection> {
  const { promise, resolve } = Promise.withResolvers<{ readonly newlyRead: number } | Rejection>();
  const answer = (refusal: Rejection | null, newlyRead = 0) => resolve(refusal ?? { newlyRead });
  if (mark.type === "mark_message") await marks.noteMessage(mark, answer);
  else if (isMember) marks.note(mark, answer);
  else await marks.noteIfMember(mark, answer);
  return promise;
}

/** An event that moves a mark, on one kind of topic. Its ok reply comes when the mark is durable. */
export function markDoor(
  topic: TopicKind,
  event: string,
  read: (body: MarkBody, asked: Asked) => Mark | Rejection,
): ChannelDoor {
  return {
    topic,
    events: [event],
    payload: markPayload,
    reply: closed({ status: Type.Union([Type.Literal("delivered"), Type.Literal("read")]) }),
    async receive(given, on, _charge: Charge, answer) {
      const asked = askedOnTopic(topic, given);
      const body = markPayload.parse(asked.payload, on.observer);
      const mark = isRejection(body) ? body : read(body, asked);
      if (isRejection(mark)) return answer(mark);
      const noted = await noteMark(on.marks, mark, topic === "conversation");
      answer(isRejection(noted) ? noted : `{"status":"${mark.kind}"}`);
    },
  };
}

const targetMissing = refusedField("message_id", "is required: must be the id of a message, or seq its seq");
