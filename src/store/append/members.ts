import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import { encode, int8, text, timestamptz, uuid } from "./column.ts";
import type { Table, TableRows } from "./table.ts";

const columns = {
  conversation_id: uuid((change: MemberChanged) => change.conversationId),
  user_id: uuid(({ member }: MemberChanged) => member.userId),
  role: text(({ member }: MemberChanged) => member.role),
  joined_at: timestamptz(({ member }: MemberChanged) => member.joinedAtUs),
  joined_seq: int8(({ member }: MemberChanged) => member.joinedSeq),
  joined_rev: int8(({ member }: MemberChanged) => member.joinedRev),
  left_seq: int8(({ member }: MemberChanged) => member.leftSeq),
  left_at: timestamptz(({ member }: MemberChanged) => member.leftAtUs),
  rev: int8(({ member }: MemberChanged) => member.rev),
  pending: text(({ member }: MemberChanged) => member.pending ?? null),
  stays_out_until: timestamptz(({ member }: MemberChanged) => member.staysOutUntilUs ?? null),
};

/**
 * Upserts memberships. Messages from before a member joined count as delivered and read. Marks that a membership already has never move
 * back.
 */
export const members: Table<"u"> = {
  inputs: { u: columns },
  sql: ({ u }) => `
members as (
  insert into conversation_members as m
    (conversation_id, user_id, role, joined_at, joined_seq, joined_rev, left_seq, left_at, rev, pending, stays_out_until,
    delivered_seq, read_seq)
  select u.conversation_id, u.user_id, u.role, u.joined_at, u.joined_seq, u.joined_rev, u.left_seq, u.left_at, u.rev,
    u.pending, u.stays_out_until, u.joined_seq, u.joined_seq
  from ${u} join heads on heads.conversation_id = u.conversation_id
  on conflict (conversation_id, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
    joined_seq = excluded.joined_seq, joined_rev = excluded.joined_rev, left_seq = excluded.left_seq,
    left_at = excluded.left_at, rev = excluded.rev, pending = excluded.pending, stays_out_until = excluded.stays_out_until,
    delivered_seq = greatest(m.delivered_seq, excluded.delivered_seq), read_seq = greatest(m.read_seq, excluded.read_seq)
)`,
  collect: () => new MemberRows(),
};

class MemberRows implements TableRows {
  readonly #last = new Map<string, MemberChanged>();

  add(event: Event): void {
    if ("member" in event) this.#last.set(`${event.conversationId} ${event.member.userId}`, event);
  }

  parameters(): readonly Buffer[] {
    return encode(columns, [...this.#last.values()]);
  }
}
