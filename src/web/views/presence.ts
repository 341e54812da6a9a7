import type { Online } from "../../core/ports/presence.ts";

/** Presence in the shapes of Phoenix: by user, with exactly one meta each. */

/** `presence_state`, and each half of a diff. */
export function presencesText(users: readonly Online[]): string {
  return `{${users.map(presenceText).join()}}`;
}

/** `presence_diff`. */
export function presenceDiffText(joins: readonly Online[], leaves: readonly Online[]): string {
  return `{"joins":${presencesText(joins)},"leaves":${presencesText(leaves)}}`;
}

function presenceText({ userId, ref, sinceUs, status }: Online): string {
  const since = Math.floor(sinceUs / 1_000_000);
  return `"${userId}":{"metas":[{"phx_ref":"${ref}","online_at":"${since}","status":"${status}"}]}`;
}
