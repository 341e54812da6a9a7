import type { SeenMember, ViewerReads } from "../../core/ports/viewer-reads.ts";
import type { ListMembers } from "../../core/queries.ts";
import type { ReadPool } from "../connections/database.ts";
import { apartFrom } from "./contact-rows.ts";
import { type MembersRow, packed, toMember, toUs, unpack } from "./rows.ts";

const isApart = "exists (select from apart where apart.user_id = m.user_id)";

const listMembers = {
  name: "list-members",
  text: `
with apart as (${apartFrom("$1")})
select ${packed(["m.user_id", "m.role", "m.joined_at", "m.joined_seq", "m.joined_rev", "m.pending", "l.at", isApart], "order by m.joined_at, m.user_id")} as members
from (
  select conversation_id from conversation_members
  where conversation_id = $2 and user_id = $1 and left_seq is null limit 1) viewer
cross join lateral (
  select user_id, role, joined_at, joined_seq, joined_rev, pending from conversation_members
  where conversation_id = viewer.conversation_id and left_seq is null) m
left join lateral (select at from user_last_seen where user_id = m.user_id limit 1) l on true`,
};

/** The present members, the longest-standing first. */
export async function readMembers(
  reads: ReadPool,
  { viewerId, conversationId }: ListMembers,
): ReturnType<ViewerReads["listMembers"]> {
  const { rows } = await reads.query<MembersRow>({ ...listMembers, values: [viewerId, conversationId] });
  const members = unpack(rows[0]!.members).map(toSeenMember);
  const viewer = members.find(({ userId }) => userId === viewerId);
  return { membership: viewer ? { role: viewer.role } : null, members };
}

function toSeenMember([
  userId,
  role,
  joinedAt,
  joinedSeq,
  joinedRev,
  pending,
  lastSeenAt,
  isApart,
]: readonly string[]): SeenMember {
  return {
    ...toMember([userId!, role!, joinedAt!, joinedSeq!, joinedRev!, pending!]),
    lastSeenAtUs: lastSeenAt ? toUs(lastSeenAt) : null,
    isApart: isApart === "true",
  };
}
