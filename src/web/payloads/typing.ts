import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";
import { ignored } from "./fields.ts";

/** Whether somebody types. */
export interface TypingBody {
  readonly isTyping: boolean;
}

/** The topic says where, the token says who. */
const place = { conversation_id: ignored, user_id: ignored };
const typing = new PayloadShape({
  operation: "typing",
  schema: Type.Object({ typing: Type.Boolean({ description: "must be true or false" }), ...place }),
});
const signal = new PayloadShape({ operation: "typing", schema: Type.Object(place) });

export function readTyping(payload: unknown, reading: Reading): TypingBody | Rejection {
  const body = typing.read(payload, reading);
  return body ? { isTyping: body.typing } : typing.refusal(payload);
}

/** Of `typing_start` and `typing_stop`, which say it by their name. */
export function readTypingSignal(
  payload: unknown,
  reading: Reading,
  isTyping: boolean,
): TypingBody | Rejection {
  return signal.read(payload, reading) ? { isTyping } : signal.refusal(payload);
}
