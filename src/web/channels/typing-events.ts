import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Reading } from "../payload-shape.ts";
import { readTyping, readTypingSignal, type TypingBody } from "../payloads/typing.ts";
import type { Presences } from "../realtime/presences.ts";
import type { Typing } from "../realtime/typing.ts";
import type { Act, Acts } from "./events.ts";

export interface TypingEventsOptions extends Reading {
  readonly typing: Pick<Typing, "signalled">;
  readonly presences: Pick<Presences, "shows">;
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
  { typing, presences, conversationOf }: TypingEventsOptions,
  read: (payload: unknown) => TypingBody | Rejection,
): Act {
  return (push) => {
    const body = read(push.payload);
    if (isRejection(body)) return body;
    const conversationId = conversationOf(push.topic);
    // That they type is passed on where they show as online, and nowhere else.
    if (presences.shows(push.identity, conversationId))
      typing.signalled(push.identity, conversationId, body.isTyping);
    push.reply(true, "{}");
    return null;
  };
}
