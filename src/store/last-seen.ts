import type { LastSeen } from "../core/ports/last-seen.ts";
import { timestamptzArray, uuidArray } from "./append/binary-array.ts";
import type { ReadPool } from "./connections/database.ts";

/** Rows in the order of their key, so that two such statements never deadlock. */
const save = {
  name: "save-last-seen",
  text: `
insert into user_last_seen as l (user_id, at)
select user_id, at from unnest($1::uuid[], $2::timestamptz[]) u(user_id, at)
order by user_id
on conflict (user_id) do update set at = excluded.at where l.at < excluded.at`,
};

/** When users were online last. Written beside the lane: nobody else writes this table. */
export class PostgresLastSeen implements LastSeen {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async save(users: ReadonlyMap<string, number>): Promise<void> {
    if (users.size === 0) return;
    const values = [uuidArray([...users.keys()]), timestamptzArray([...users.values()])];
    await this.#reads.query({ ...save, values });
  }
}
