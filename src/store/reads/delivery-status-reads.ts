import type { Role } from "../../core/conversations/conversation.ts";
import type { ViewerReads } from "../../core/ports/viewer-reads.ts";
import type { ReadPool } from "../connections/database.ts";
import { apartIdsFrom } from "./contact-rows.ts";
import { toUsOrNull } from "./rows.ts";

/** When the range of a mark that covers the message was flushed; null where the mark `reached` has not come so far, and of users who are apart. */
const rangeAt = (kind: "delivered" | "read", reached: string) => `
left join lateral (
  select at, to_seq from delivery_statuses
  where conversation_id = m.conversation_id and user_id = r.user_id and kind = '${kind}' and from_seq <= m.seq
  order by from_seq desc limit 1) ${kind} on ${reached} >= m.seq and r.user_id <> all(apart.ids)`;

/**
 * The message by its id alone, as `show-message`, then for each present member who was one before it two look-ups by key. As in the view
 * `message_delivery_statuses`, what was received only by being read was received then.
 */
const showDeliveryStatus = {
  name: "show-delivery-status",
  text: `
select viewer.role, r.user_id, read.at as read_at,
  coalesce(case when delivered.to_seq >= m.seq then delivered.at end, read.at) as delivered_at
from (select conversation_id, seq, sender_id from messages where id = $2 limit 1) m
cross join lateral (
  select role from conversation_members
  where conversation_id = m.conversation_id and user_id = $1 and left_seq is null and joined_seq < m.seq limit 1) viewer
cross join ${apartIdsFrom("$1")} apart
left join lateral (
  select user_id, joined_at, delivered_seq, read_seq from conversation_members
  where conversation_id = m.conversation_id and user_id <> m.sender_id and left_seq is null and joined_seq < m.seq) r on true
${rangeAt("delivered", "r.delivered_seq")}
${rangeAt("read", "r.read_seq")}
order by r.joined_at, r.user_id`,
};

interface StatusRow extends Record<string, unknown> {
  readonly role: Role;
  /** Null: the message has no recipient any more. */
  readonly user_id: string | null;
  readonly delivered_at: string | null;
  readonly read_at: string | null;
}

export async function readDeliveryStatus(
  reads: ReadPool,
  viewerId: string,
  messageId: string,
): ReturnType<ViewerReads["showDeliveryStatus"]> {
  const values = [viewerId, messageId];
  const { rows } = await reads.query<StatusRow>({ ...showDeliveryStatus, values });
  if (!rows[0]) return null;
  const recipients = rows.flatMap(({ user_id: userId, delivered_at, read_at }) =>
    userId === null
      ? []
      : [{ userId, deliveredAtUs: toUsOrNull(delivered_at), readAtUs: toUsOrNull(read_at) }],
  );
  return { membership: { role: rows[0].role }, recipients };
}
