import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Reading } from "../payload-shape.ts";
import { readTyping, readTypingSignal, type TypingBody } from "../payloads/typing.ts";
import type { Typing } from "../typing.ts";
import type { Act, Acts } from "./events.ts";

export interface TypingEventsOptions extends Reading {
  readonly typing: Pick<Typing, "signalled">;
  /** The conversation that a topic names. */
  readonly conversationOf: (topic: string) => string;
}

/** Answered ok whether it is passed on or not: the client has nothing to do about it. */
export function typingEvents(options: TypingEventsOptions): Acts {
  return [
    ["user_typing", signalling(options, (payload) => readTyping(payload, options))],
    ["typing_start", signalling(options, (payload) => readTypingSignal(payload, options, true))],
    ["typing_stop", signalling(options, (payload) => readTypingSignal(payload, options, false))],
  ];
}

function signalling(
  { typing, conversationOf }: TypingEventsOptions,
  read: (payload: unknown) => TypingBody | Rejection,
): Act {
  return (push) => {
    const body = read(push.payload);
    if (isRejection(body)) return body;
    typing.signalled(push.identity, conversationOf(push.topic), body.isTyping);
    push.reply(true, "{}");
    return null;
  };
}
