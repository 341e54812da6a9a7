import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import type { Cursor } from "../../core/ports/sync-reads.ts";
import { type Rejection, reject } from "../../core/rejection.ts";
import type { ReportedCursors } from "../../engine/sync/joins.ts";
import { readUuid } from "../uuid.ts";
import { numberIn, readWholeNumber, wholeNumber } from "../whole-number.ts";

/**
 * The payloads of joins. Unlike commands, joins also carry everything that a client puts into its channel's parameters: only these fields
 * are read. Null: nothing is to be resumed.
 */

const number = (description: string) =>
  Type.Optional(Type.Union([wholeNumber, Type.Null()], { description }));
const generation = number("The generation that came with them.");
export const joinConversationSchema = Type.Object({
  since_seq: number("The seq of the newest message that you have."),
  since_rev: number("The newest revision that you know."),
  generation,
});
/** The cursors are read one by one: there may be thousands. */
export const joinUserSchema = Type.Object({
  cursors: Type.Optional(
    Type.Unknown({
      type: "object",
      additionalProperties: { ...wholeNumber },
      description: "The seq of the newest message that you have, by the id of its conversation.",
    }),
  ),
  generation,
});
/** Clients put the parameters of their channels into joins, access tokens among them. */
export const joinBytes = 16_384;
/** More conversations than anybody has. */
const maxCursors = 20_000;

const conversationCheck = TypeCompiler.Compile(joinConversationSchema);
const deviceCheck = TypeCompiler.Compile(joinUserSchema);

/** Both numbers, or nothing is resumed: the one without the other does not say what is known. */
export function readCursor(payload: unknown): Cursor | Rejection | null {
  const given = fields(payload, conversationCheck.Check(payload), joinConversationSchema);
  if (!given) return given === null ? null : badCursor;
  const [seq, rev] = [numberIn(given.since_seq), numberIn(given.since_rev)];
  return seq === null || rev === null ? null : { seq, rev, generation: numberIn(given.generation) };
}

export function readReportedCursors(payload: unknown): ReportedCursors | Rejection | null {
  const given = fields(payload, deviceCheck.Check(payload), joinUserSchema);
  if (!given) return given === null ? null : badCursors;
  const { cursors: said = null } = given;
  if (said === null) return null;
  const cursors = cursorsIn(said);
  return cursors ? { cursors, generation: numberIn(given.generation) } : badCursors;
}

/** Null: no map of whole numbers by the ids of conversations. An empty map of PHP is an empty array. */
function cursorsIn(said: unknown): ReadonlyMap<string, number> | null {
  if (typeof said !== "object" || (Array.isArray(said) && said.length > 0)) return null;
  const cursors = new Map<string, number>();
  for (const key in said) {
    const conversationId = readUuid(key);
    const seq = readWholeNumber((said as Readonly<Record<string, unknown>>)[key]);
    if (conversationId === null || seq === null || cursors.size >= maxCursors) return null;
    // Named twice, in two spellings: the lower one misses nothing.
    cursors.set(conversationId, Math.min(seq, cursors.get(conversationId) ?? seq));
  }
  return cursors;
}

/** Null: no object, so nothing is said. Undefined: an object with a field that is not allowed. */
function fields<S extends TSchema>(
  payload: unknown,
  fits: boolean,
  _schema: S,
): Static<S> | null | undefined {
  if (typeof payload !== "object" || payload === null || ArrayBuffer.isView(payload)) return null;
  return fits ? (payload as Static<S>) : undefined;
}

const badCursor = reject(
  "invalid_payload",
  "since_seq, since_rev and generation must be whole numbers from 0, or left out.",
);
const badCursors = reject(
  "invalid_payload",
  "cursors must be an object of conversation ids and the last seq of each; generation a whole number.",
);
