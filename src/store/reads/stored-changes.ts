import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { Change } from "../../core/ports/commit.ts";
import { toUs, toUsOrNull } from "./rows.ts";

/**
 * Whether changes were stored, after a batch whose outcome is unknown.
 *
 * A change is known by the row of its first event. The revision alone proves nothing, because another owner may have stored another
 * change under it: the row has to show what only this change wrote, and a revision that is not older.
 * - sent: the message's id, at its seq.
 * - a message changed: the command that changed it, which stands in the row beside the revision.
 * - member added or unblocked: when and at which revision the membership began. Removed, blocked or declined: when and at which seq it
 *   ended. Role changed or accepted: this very revision of this very membership.
 * - conversation changed: this very revision and instant of its settings.
 *
 * A row tells of its last writer only: two edits of one message in a batch leave the second. But the changes of one
 * conversation are stored together or, when they are of several batches, in order: whoever finds one has found those before it.
 * What another owner overwrote since then is answered as not stored, and is decided again on what that owner left: an acknowledgement
 * is never given for a change that may not be there.
 *
 * The head needs no look: it moves in the statement that writes the rows.
 */
export const findStored = {
  name: "find-stored",
  text: `
select asked.place, m.id, m.rev as message_rev, m.changed_by,
  r.rev as member_rev, r.role, r.joined_at, r.joined_rev, r.left_seq, r.left_at, c.rev as c_rev, c.updated_at
from unnest($1::uuid[], $2::int8[], $3::uuid[]) with ordinality asked(conversation_id, seq, user_id, place)
left join lateral (
  select id, rev, changed_by from messages
  where conversation_id = asked.conversation_id and seq = asked.seq limit 1) m on true
left join lateral (
  select rev, role, joined_at, joined_rev, left_seq, left_at from conversation_members
  where conversation_id = asked.conversation_id and user_id = asked.user_id limit 1) r on true
left join lateral (select rev, updated_at from conversations where id = asked.conversation_id limit 1) c on true`,
};

export interface StoredRow {
  readonly place: number;
  readonly id: string | null;
  readonly message_rev: number;
  readonly changed_by: string | null;
  readonly member_rev: number | null;
  readonly role: string;
  readonly joined_at: string | null;
  readonly joined_rev: number;
  readonly left_seq: number | null;
  readonly left_at: string | null;
  readonly c_rev: number;
  readonly updated_at: string;
}

/** Where the first event of each change would be: a message by its seq, a member, or the conversation itself. */
export function storedValues(changes: readonly Change[]): unknown[][] {
  const events = changes.map((change) => change.events[0]!);
  return [
    changes.map((change) => change.conversationId),
    events.map((event) => messageOf(event)?.seq ?? null),
    events.map((event) => ("member" in event ? event.member.userId : null)),
  ];
}

function messageOf(event: Event): { readonly id: string; readonly seq: number } | null {
  if (event.type === "message_sent") return event;
  return "message" in event ? event.message : null;
}

export function storedChanges(changes: readonly Change[], rows: readonly StoredRow[]): readonly boolean[] {
  const lastStored = new Map<string, number>();
  for (const row of rows) {
    const change = changes[row.place - 1]!;
    if (!shows(row, change.events[0]!)) continue;
    const rev = lastStored.get(change.conversationId) ?? 0;
    lastStored.set(change.conversationId, Math.max(rev, change.rev));
  }
  return changes.map((change) => change.rev <= (lastStored.get(change.conversationId) ?? 0));
}

function shows(row: StoredRow, event: Event): boolean {
  if ("member" in event) return showsMember(row, event);
  if (event.type === "conversation_changed" || event.type === "conversation_deactivated")
    return row.c_rev === event.rev && toUs(row.updated_at) === event.atUs;
  if (row.id !== messageOf(event)?.id || row.message_rev < event.rev) return false;
  return event.type === "message_sent" || row.changed_by === event.changeId;
}

function showsMember(row: StoredRow, { type, rev, member }: MemberChanged): boolean {
  if (row.member_rev === null || row.member_rev < rev) return false;
  switch (type) {
    case "member_added":
    case "member_unblocked":
      return row.joined_rev === member.joinedRev && toUsOrNull(row.joined_at) === member.joinedAtUs;
    case "member_removed":
    case "member_blocked":
    case "request_declined":
      return row.left_seq === member.leftSeq && toUsOrNull(row.left_at) === member.leftAtUs;
    case "member_role_changed":
    case "member_took_part":
    case "request_accepted":
      return (
        row.member_rev === rev &&
        row.role === member.role &&
        row.joined_rev === member.joinedRev &&
        row.left_seq === null
      );
  }
}
