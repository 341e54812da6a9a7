import { Type } from "@sinclair/typebox";
import { type Online, sentOneByOne } from "../../core/ports/presence.ts";
import { closed, oneOf } from "./schemas.ts";

/** Presence in the shapes of Phoenix: by user, with exactly one meta each. */

/** `presence_state`, and each half of a diff. */
export function presencesText(users: readonly Online[]): string {
  return `{${users.map(presenceText).join()}}`;
}

/** The payloads of `presence_diff`, in order: one for each user while they are few, else one for all. */
export function presenceDiffTexts(joins: readonly Online[], leaves: readonly Online[]): readonly string[] {
  if (joins.length + leaves.length > sentOneByOne) return [diffText(joins, leaves)];
  return [...joins.map((user) => diffText([user], [])), ...leaves.map((user) => diffText([], [user]))];
}

/** One payload for all. */
export function diffText(joins: readonly Online[], leaves: readonly Online[]): string {
  return `{"joins":${presencesText(joins)},"leaves":${presencesText(leaves)}}`;
}

/** Encodes each user once per status, because everybody in the user's conversations gets the same text. */
function presenceText(user: Online): string {
  const known = texts.get(user);
  if (known !== undefined) return known;
  const { userId, ref, sinceUs, status } = user;
  const since = Math.floor(sinceUs / 1_000_000);
  const text = `"${userId}":{"metas":[{"phx_ref":"${ref}","online_at":"${since}","status":"${status}"}]}`;
  texts.set(user, text);
  return text;
}

const texts = new WeakMap<Online, string>();

export const presencesSchema = Type.Record(
  Type.String({ format: "uuid" }),
  closed({
    metas: Type.Array(
      closed({
        phx_ref: Type.String(),
        online_at: Type.String({ description: "Since when, in seconds since the Unix epoch." }),
        status: oneOf(["online", "away", "busy", "offline"]),
      }),
      { minItems: 1, maxItems: 1 },
    ),
  }),
  { $id: "Presences", description: "Users who are online, by id, in the shape of Phoenix Presence." },
);

export const presenceDiffSchema = closed({ joins: presencesSchema, leaves: presencesSchema });
