import type { AllowReadding } from "../../core/conversations/allow-readding.ts";
import { formatInstant } from "../../core/instant.ts";
import type { OwnState } from "../../core/ports/own-state.ts";
import type { MarkAsUnread } from "../../core/private/mark-unread.ts";
import type { ReadPool } from "../connections/database.ts";

/**
 * The user's own counter is moved before anything else: its row's lock puts the changes of one user in the order of their numbers. A number
 * that in the end tells of nothing is no harm.
 */
const markUnread = {
  name: "mark-unread",
  text: `
with visible as (
  select m.seq
  from (select joined_seq, left_seq from conversation_members where conversation_id = $2 and user_id = $1 limit 1) own
  cross join lateral (select seq from conversation_heads where conversation_id = $2 limit 1) h
  cross join lateral (select seq from messages where conversation_id = $2 and id = $3 limit 1) m
  where own.left_seq is null and own.joined_seq < m.seq and m.seq <= h.seq
),
counted as (
  insert into own_revs as r (user_id, own_rev) select $1, 1 from visible
  on conflict (user_id) do update set own_rev = r.own_rev + 1
  returning own_rev
),
marked as (
  insert into conversation_settings (user_id, conversation_id, own_rev, unread_from_seq)
  select $1, $2, counted.own_rev, visible.seq from counted, visible
  on conflict (user_id, conversation_id) do update
    set own_rev = excluded.own_rev, unread_from_seq = excluded.unread_from_seq
)
select counted.own_rev as "ownRev", visible.seq from counted, visible`,
};

const clearUnread = {
  name: "clear-unread",
  text: `
with counted as (
  insert into own_revs as r (user_id, own_rev)
  select $1, 1 from conversation_settings where user_id = $1 and conversation_id = $2 and unread_from_seq is not null
  on conflict (user_id) do update set own_rev = r.own_rev + 1
  returning own_rev
)
update conversation_settings s set own_rev = counted.own_rev, unread_from_seq = null
from counted
where s.user_id = $1 and s.conversation_id = $2 and s.unread_from_seq is not null
returning s.own_rev as "ownRev"`,
};

/** Has no revision: what others see of the conversation does not change. It is looked up when somebody adds the user. */
const allowReadding = {
  name: "allow-readding",
  text: `
update conversation_members set stays_out_until = null
where conversation_id = $2 and user_id = $1 and left_seq is not null and stays_out_until > $3
returning 1`,
};

/** Private state of users, numbered by a counter of each user's own. Not in the lane: no conversation changes by it. */
export class PostgresOwnState implements OwnState {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async markUnread({
    userId,
    conversationId,
    messageId,
  }: MarkAsUnread): Promise<{ readonly ownRev: number; readonly seq: number } | null> {
    const values = [userId, conversationId, messageId];
    const { rows } = await this.#reads.query<{ ownRev: number; seq: number }>({ ...markUnread, values });
    return rows[0] ?? null;
  }

  async allowReadding({ userId, conversationId }: AllowReadding, nowUs: number): Promise<boolean> {
    const values = [userId, conversationId, formatInstant(nowUs)];
    const { rows } = await this.#reads.query({ ...allowReadding, values });
    return rows.length > 0;
  }

  async clearUnread(userId: string, conversationId: string): Promise<{ readonly ownRev: number } | null> {
    const values = [userId, conversationId];
    const { rows } = await this.#reads.query<{ ownRev: number }>({ ...clearUnread, values });
    return rows[0] ?? null;
  }
}
