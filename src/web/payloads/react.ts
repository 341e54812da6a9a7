import { Type } from "@sinclair/typebox";
import type { Rejection } from "../../core/rejection.ts";
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

const allowed = `must be 1 to ${maxCharacters} characters, of at most ${maxBytes} bytes of UTF-8, not . nor .., without control characters and unpaired surrogates`;

const shape = new PayloadShape({
  operation: "react",
  schema: Type.Object({
    reaction: Type.String({ description: allowed }),
    message_id: messageId,
    conversation_id: conversationId,
    user_id: ignored,
  }),
});

export function readReact(payload: unknown, reading: Reading): ReactBody | Rejection {
  const body = shape.read(payload, reading);
  if (!body) return shape.refusal(payload);
  const { reaction, conversation_id = null, message_id = null } = body;
  if (!isReaction(reaction)) return refusedField("reaction", allowed);
  return { conversationId: conversation_id, messageId: message_id, reaction };
}

/** What no path can name: on its way, `DELETE …/reactions/..` becomes the deletion of the message. */
const pathSteps: readonly string[] = [".", ".."];

/** Part of a key, as PostgreSQL's text: U+0000 is a control character, and unpaired surrogates have no UTF-8. */
function isReaction(text: string): boolean {
  if (
    text === "" ||
    pathSteps.includes(text) ||
    text.length > maxBytes ||
    !text.isWellFormed() ||
    /\p{Cc}/u.test(text)
  )
    return false;
  if (text.length <= maxCharacters) return true;
  return Buffer.byteLength(text) <= maxBytes && countCharacters(text) <= maxCharacters;
}

const characters = new Intl.Segmenter("und", { granularity: "grapheme" });

function countCharacters(text: string): number {
  return [...characters.segment(text)].length;
}
