import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { PayloadShape } from "../payload-shape.ts";
import { conversationId, idIn, ignored, strict } from "./fields.ts";

/** Whether somebody types. */
export interface TypingBody {
  readonly conversationId: string | null;
  readonly isTyping: boolean;
}

/** The topic says where, the token says who. */
const place = { conversation_id: conversationId, user_id: ignored };
const typing = new PayloadShape(
  Type.Object({ typing: Type.Boolean({ description: "must be true or false" }), ...place }, strict),
);
const signal = new PayloadShape(Type.Object(place, strict));

export function readTyping(payload: unknown): TypingBody | Rejection {
  return typing.fits(payload) ? bodyOf(payload, payload.typing) : typing.refusal(payload);
}

/** Of `typing_start` and `typing_stop`, which say it by their name. */
export function readTypingSignal(payload: unknown, isTyping: boolean): TypingBody | Rejection {
  return signal.fits(payload) ? bodyOf(payload, isTyping) : signal.refusal(payload);
}

function bodyOf(
  { conversation_id }: { readonly conversation_id?: string | null },
  isTyping: boolean,
): TypingBody {
  return { conversationId: idIn(conversation_id), isTyping };
}
