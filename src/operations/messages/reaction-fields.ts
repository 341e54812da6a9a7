import { type Static, Type } from "@sinclair/typebox";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { visibleTextProblem } from "../../core/visible-text.ts";
import type { Asked } from "../asked.ts";
import { conversationId, ignored, messageId } from "../fields.ts";
import { PayloadShape } from "../payload-shape.ts";
import { refusedField } from "../refused-field.ts";
import { sampleIds } from "../sample-ids.ts";
import type { Services } from "../services.ts";
import { type Target, targetOf } from "./target.ts";

/** As people count them: a family, a flag and a letter with its accents are one each. */
const maxCharacters = 10;
/** Bytes of UTF-8, because one character can have any length. The longest emoji has 35. */
const maxBytes = 128;

const allowed = `must be 1 to ${maxCharacters} characters, of at most ${maxBytes} bytes of UTF-8, not . nor ..`;

const schema = Type.Object({
  reaction: Type.String({ description: allowed, examples: ["👍"] }),
  message_id: messageId,
  conversation_id: conversationId,
  user_id: ignored,
});
export type ReactionSchema = typeof schema;
export const reactionPayload = new PayloadShape({
  operation: "react",
  schema,
  example: { reaction: "👍", message_id: sampleIds.message },
});

/** The reaction and its message, or what is wrong with them. */
export function reactionTarget(
  body: Static<ReactionSchema>,
  asked: Asked,
  on: Services,
  problemOf: (reaction: string) => string | null,
): (Target & { readonly reaction: string }) | Rejection {
  const { reaction } = body;
  const problem = problemOf(reaction);
  if (problem) return refusedField("reaction", problem);
  const target = targetOf(body, asked, on);
  return isRejection(target) ? target : { ...target, reaction };
}

export function reactionProblem(text: string): string | null {
  return reactionKeyProblem(text) ?? visibleTextProblem(text);
}

/** No path can name these: clients and proxies turn `DELETE …/reactions/..` into the deletion of the message. */
const pathSteps: readonly string[] = [".", ".."];

/**
 * Says why a text cannot be stored as a reaction. Looser than `reactionProblem`: a reaction that 0.3 stored and that shows nothing can
 * be removed. It is a part of a key, as PostgreSQL's text, which holds no U+0000; unpaired surrogates have no UTF-8.
 */
export function reactionKeyProblem(text: string): string | null {
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
