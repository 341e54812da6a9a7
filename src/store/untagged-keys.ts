import type pg from "pg";
import { toUs } from "./rows.ts";

/**
 * Keys of messages that were stored before keys named devices (migration 0006). They are told apart by their size and hold against every
 * device of their sender. The unique index does not see that: as long as such a key can be in force, the lane looks for it.
 */

/** An hour more than a key lives: the clocks of two machines may differ. */
const longestHold = "25 hours";

/** Begins the last hours of these keys. For a new owner: from here on no older whispr-msg writes any. */
export const endUntagged = `
update untagged_keys set held_until = now() + interval '${longestHold}' where held_until = 'infinity'`;

/** Until when such a key may be in force. Microseconds since the Unix epoch, or infinite. */
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
