import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { int8Array, textArray, timestamptzArray, uuidArray } from "./binary-array.ts";
import { rowsOf, widthOf } from "./part.ts";

const shape = {
  conversation_id: "uuid",
  user_id: "uuid",
  role: "text",
  joined_at: "timestamptz",
  joined_seq: "int8",
  joined_rev: "int8",
  left_seq: "int8",
  left_at: "timestamptz",
  rev: "int8",
  pending: "text",
  stays_out_until: "timestamptz",
} as const;

export const membersWidth = widthOf(shape);

/**
 * Memberships that began, ended or became other ones. What was there before a member came counts as received and read; marks that are
 * there already never go back.
 */
export function membersCte(first: number): string {
  return `
members as (
  insert into conversation_members as m
    (conversation_id, user_id, role, joined_at, joined_seq, joined_rev, left_seq, left_at, rev, pending, stays_out_until,
    delivered_seq, read_seq)
  select u.conversation_id, u.user_id, u.role, u.joined_at, u.joined_seq, u.joined_rev, u.left_seq, u.left_at, u.rev,
    u.pending, u.stays_out_until, u.joined_seq, u.joined_seq
  from ${rowsOf(first, "u", shape)} join heads on heads.conversation_id = u.conversation_id
  on conflict (conversation_id, user_id) do update set role = excluded.role, joined_at = excluded.joined_at,
    joined_seq = excluded.joined_seq, joined_rev = excluded.joined_rev, left_seq = excluded.left_seq,
    left_at = excluded.left_at, rev = excluded.rev, pending = excluded.pending, stays_out_until = excluded.stays_out_until,
    delivered_seq = greatest(m.delivered_seq, excluded.delivered_seq), read_seq = greatest(m.read_seq, excluded.read_seq)
)`;
}

export function memberColumns(changes: readonly MemberChanged[]): Buffer[] {
  return [
    uuidArray(changes.map((change) => change.conversationId)),
    uuidArray(changes.map(({ member }) => member.userId)),
    textArray(changes.map(({ member }) => member.role)),
    timestamptzArray(changes.map(({ member }) => member.joinedAtUs)),
    int8Array(changes.map(({ member }) => member.joinedSeq)),
    int8Array(changes.map(({ member }) => member.joinedRev)),
    int8Array(changes.map(({ member }) => member.leftSeq)),
    timestamptzArray(changes.map(({ member }) => member.leftAtUs)),
    int8Array(changes.map(({ member }) => member.rev)),
    textArray(changes.map(({ member }) => member.pending ?? null)),
    timestamptzArray(changes.map(({ member }) => member.staysOutUntilUs ?? null)),
  ];
}
