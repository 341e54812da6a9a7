import type pg from "pg";
import { toUs } from "../reads/rows.ts";

/**
 * Keys of messages that were stored before keys had a device (migration 0006). They are below 2^32, and block every device of their sender.
 * The unique index cannot enforce that, so the lane looks for them as long as one can be younger than 24 hours.
 */

/** The 24 hours of a key, and one more because the clocks of two machines may differ. */
const longestHold = "25 hours";

/** Sets when the last of these keys expires. Run by each new owner: from then on no older whispr-msg writes such keys. */
export const endUntagged = `
update untagged_keys set held_until = now() + interval '${longestHold}' where held_until = 'infinity'`;

/** Returns until when such a key may block a send. Microseconds since the Unix epoch, or ±infinity. */
export async function untaggedUntilUs(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ until: string }>("select held_until as until from untagged_keys");
  switch (rows[0]?.until) {
    case undefined:
    case "infinity":
      return Number.POSITIVE_INFINITY;
    case "-infinity":
      return Number.NEGATIVE_INFINITY;
    default:
      return toUs(rows[0]!.until);
  }
}
