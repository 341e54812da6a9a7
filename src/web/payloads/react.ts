import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
import { visibleTextProblem } from "../../core/visible-text.ts";
import { PayloadShape, type Reading } from "../payload-shape.ts";
import { conversationId, ignored, messageId } from "./fields.ts";
import { refusedField } from "./refused-field.ts";

/** A checked `add_reaction` or `remove_reaction`. */
export interface ReactBody {
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly reaction: string;
}

/** As people count them: a family, a flag and a letter with its accents are one each. */
const maxCharacters = 10;
/** Of UTF-8: a character can be as long as somebody likes. The longest emoji has 35. */
const maxBytes = 128;

const allowed = `must be 1 to ${maxCharacters} characters, of at most ${maxBytes} bytes of UTF-8, not . nor ..`;

const shape = new PayloadShape({
  operation: "react",
  schema: Type.Object({
    reaction: Type.String({ description: allowed }),
    message_id: messageId,
    conversation_id: conversationId,
    user_id: ignored,
  }),
});

/** Of `add_reaction`. */
export function readReact(payload: unknown, reading: Reading): ReactBody | Rejection {
  return readWith(reactionProblem, payload, reading);
}

/** Of `remove_reaction`: what 0.3 stored and shows nothing can be taken back. */
export function readUnreact(payload: unknown, reading: Reading): ReactBody | Rejection {
  return readWith(keyProblem, payload, reading);
}

function readWith(
  problemOf: (reaction: string) => string | null,
  payload: unknown,
  reading: Reading,
): ReactBody | Rejection {
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  const { reaction, conversation_id = null, message_id = null } = body;
  const problem = problemOf(reaction);
  if (problem) return refusedField("reaction", problem);
  return { conversationId: conversation_id, messageId: message_id, reaction };
}

function reactionProblem(text: string): string | null {
  return keyProblem(text) ?? visibleTextProblem(text);
}

/** What no path can name: on its way, `DELETE …/reactions/..` becomes the deletion of the message. */
const pathSteps: readonly string[] = [".", ".."];

/** Part of a key, as PostgreSQL's text, which holds no U+0000; unpaired surrogates have no UTF-8. */
function keyProblem(text: string): string | null {
  if (text === "" || pathSteps.includes(text) || isTooLong(text)) return allowed;
  return text.isWellFormed() && !/\p{Cc}/u.test(text) ? null : visibleTextProblem(text);
}

function isTooLong(text: string): boolean {
  if (text.length <= maxCharacters) return false;
  return (
    text.length > maxBytes || Buffer.byteLength(text) > maxBytes || countCharacters(text) > maxCharacters
  );
}

const characters = new Intl.Segmenter("und", { granularity: "grapheme" });

function countCharacters(text: string): number {
  return [...characters.segment(text)].length;
}
