import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { conversationId, ignored, strict } from "./fields.ts";

/** Whether somebody types. */
export interface TypingBody {
  readonly isTyping: boolean;
}

/** The topic says where, the token says who. */
const place = { conversation_id: conversationId, user_id: ignored };
const typing = new PayloadShape(
  Type.Object({ typing: Type.Boolean({ description: "must be true or false" }), ...place }, strict),
);
const signal = new PayloadShape(Type.Object(place, strict));

export function readTyping(payload: unknown): TypingBody | Rejection {
  return typing.fits(payload) ? { isTyping: payload.typing } : typing.refusal(payload);
}

/** Of `typing_start` and `typing_stop`, which say it by their name. */
export function readTypingSignal(payload: unknown, isTyping: boolean): TypingBody | Rejection {
  return signal.fits(payload) ? { isTyping } : signal.refusal(payload);
}
