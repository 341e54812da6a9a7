import type { Role } from "../core/conversations/conversation.ts";
import type { SeenMember, ViewerReads } from "../core/ports/store.ts";
import type { ListMembers } from "../core/queries.ts";
import type { ReadPool } from "./database.ts";
import { toUs, toUsOrNull } from "./rows.ts";

const listMembers = {
  name: "list-members",
  text: `
select m.user_id, m.role, m.joined_at, m.joined_seq, m.joined_rev, l.at as last_seen_at
from (
  select conversation_id from conversation_members
  where conversation_id = $2 and user_id = $1 and left_seq is null limit 1) viewer
cross join lateral (
  select user_id, role, joined_at, joined_seq, joined_rev from conversation_members
  where conversation_id = viewer.conversation_id and left_seq is null) m
left join lateral (select at from user_last_seen where user_id = m.user_id limit 1) l on true
order by m.joined_at, m.user_id`,
};

interface MemberRow extends Record<string, unknown> {
  readonly user_id: string;
  readonly role: Role;
  readonly joined_at: string;
  readonly joined_seq: number;
  readonly joined_rev: number;
  readonly last_seen_at: string | null;
}

/** The present members, the longest-standing first. */
export async function readMembers(
  reads: ReadPool,
  { viewerId, conversationId }: ListMembers,
): ReturnType<ViewerReads["listMembers"]> {
  const { rows } = await reads.query<MemberRow>({ ...listMembers, values: [viewerId, conversationId] });
  const members = rows.map(toSeenMember);
  const viewer = members.find(({ userId }) => userId === viewerId);
  return { membership: viewer ? { role: viewer.role } : null, members };
}

function toSeenMember(row: MemberRow): SeenMember {
  return {
    userId: row.user_id,
    role: row.role,
    joinedAtUs: toUs(row.joined_at),
    joinedSeq: row.joined_seq,
    joinedRev: row.joined_rev,
    lastSeenAtUs: toUsOrNull(row.last_seen_at),
  };
}
