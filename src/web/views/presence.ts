import { type Online, sentOneByOne } from "../../core/ports/presence.ts";

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

function diffText(joins: readonly Online[], leaves: readonly Online[]): string {
  return `{"joins":${presencesText(joins)},"leaves":${presencesText(leaves)}}`;
}

function presenceText({ userId, ref, sinceUs, status }: Online): string {
  const since = Math.floor(sinceUs / 1_000_000);
  return `"${userId}":{"metas":[{"phx_ref":"${ref}","online_at":"${since}","status":"${status}"}]}`;
}
