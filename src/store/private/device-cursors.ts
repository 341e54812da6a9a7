import { formatInstant } from "../../core/instant.ts";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import type { DevicePosition, Position } from "../../core/ports/sync-reads.ts";
import { int8Array, textArray, uuidArray } from "../append/binary-array.ts";
import type { ReadPool } from "../connections/database.ts";
import { presentGeneration } from "../reads/rows.ts";

/**
 * A device that is known in this generation keeps its cursors, also when two sockets of it register at once: the second one finds the row
 * of the first. The cursors of any other device are overwritten. Those of conversations that the user has left are deleted: if the user comes
 * back, they would be from a history that is gone. A snapshot without the device returns the heads, no matter which of the two wrote.
 */
const register = {
  name: "register-device",
  text: `
with store as ${presentGeneration},
known as (
  select 1 from devices d, store where d.user_id = $1 and d.device_id = $2 and d.generation = store.generation
),
seen as (
  insert into devices as d (user_id, device_id, generation, first_seen_at) select $1, $2, generation, $3 from store
  on conflict (user_id, device_id) do update set generation = excluded.generation where d.generation <> excluded.generation
  returning 1
),
standings as materialized (
  select m.conversation_id, m.joined_seq, m.joined_rev, h.seq, h.rev
  from conversation_members m
  cross join lateral (select seq, rev from conversation_heads where conversation_id = m.conversation_id limit 1) h
  where m.user_id = $1 and m.left_seq is null
),
gone as (
  delete from device_cursors c where c.user_id = $1 and c.device_id = $2 and exists (select from seen)
    and not exists (select from standings s where s.conversation_id = c.conversation_id)
),
placed as (
  insert into device_cursors (user_id, device_id, conversation_id, seq, rev)
  select $1, $2, s.conversation_id, s.seq, s.rev from standings s where exists (select from seen) order by s.conversation_id
  on conflict (user_id, device_id, conversation_id) do update set seq = excluded.seq, rev = excluded.rev
)
select s.conversation_id as "conversationId", s.seq as "headSeq", s.rev as "headRev",
  case when known.yes then coalesce(c.seq, s.joined_seq) else s.seq end as seq,
  case when known.yes then coalesce(c.rev, s.joined_rev) else s.rev end as rev
from standings s
cross join (select exists (select from known) as yes) known
left join lateral (
  select seq, rev from device_cursors
  where user_id = $1 and device_id = $2 and conversation_id = s.conversation_id limit 1) c on true`,
};

/** Rows in the order of their key, so that two such statements never deadlock; each once, for one statement cannot update a row twice. */
const save = {
  name: "save-cursors",
  text: `
insert into device_cursors as c (user_id, device_id, conversation_id, seq, rev)
select user_id, device_id, conversation_id, max(seq), max(rev)
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::int8[], $5::int8[]) u(user_id, device_id, conversation_id, seq, rev)
group by user_id, device_id, conversation_id
order by user_id, device_id, conversation_id
on conflict (user_id, device_id, conversation_id) do update
  set seq = greatest(c.seq, excluded.seq), rev = greatest(c.rev, excluded.rev)
  where c.seq < excluded.seq or c.rev < excluded.rev`,
};

/** Stores what each device has confirmed. Not in the lane: nobody else writes these tables. */
export class PostgresDeviceCursors implements DeviceCursors {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async register(
    { userId, deviceId }: { readonly userId: string; readonly deviceId: string },
    atUs: number,
  ): Promise<readonly DevicePosition[]> {
    const values = [userId, deviceId, formatInstant(atUs)];
    return (await this.#reads.query<DevicePosition & Record<string, unknown>>({ ...register, values })).rows;
  }

  async save(
    moves: readonly (Position & { readonly userId: string; readonly deviceId: string })[],
  ): Promise<void> {
    if (moves.length === 0) return;
    const values = [
      uuidArray(moves.map((move) => move.userId)),
      textArray(moves.map((move) => move.deviceId)),
      uuidArray(moves.map((move) => move.conversationId)),
      int8Array(moves.map((move) => move.seq)),
      int8Array(moves.map((move) => move.rev)),
    ];
    await this.#reads.query({ ...save, values });
  }
}
