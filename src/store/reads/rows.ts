import type {
  ConversationSettings,
  ConversationType,
  Head,
  Member,
  MemberMarks,
  MemberRecord,
  Pending,
  Role,
} from "../../core/conversations/conversation.ts";
import { parseInstant, parseUtc } from "../../core/instant.ts";
import type { MemberBefore } from "../../core/messages/marks.ts";

/** From rows to what the core knows. Each kind of row has its columns in one place, as SQL and as a reader. */

export function toUs(instant: string): number {
  const us = parseUtc(instant) ?? parseInstant(instant);
  if (us === null) throw new Error(`not an instant: ${instant}`);
  return us;
}

export function toUsOrNull(instant: string | null): number | null {
  return instant === null ? null : toUs(instant);
}

/**
 * Many small rows as one text, fields and rows by separators that none of them holds (ids, numbers, instants, roles): one aggregate and
 * one `split` for a thousand members, where arrays are an aggregate each and are parsed character by character.
 */
export function packed(columns: readonly string[], order = ""): string {
  return `string_agg(${columns.map((column) => `coalesce(${column}::text, '')`).join(" || ',' || ")}, ';' ${order})`;
}

export function unpack(text: string | null): string[][] {
  return text ? text.split(";").map((row) => row.split(",")) : [];
}

/** Returns what the rows hold, in the order of the requests that their places name, from 1. Null: there is no row for it. */
export function inPlaces<Row extends { readonly place: number }, T>(
  requests: readonly unknown[],
  rows: readonly Row[],
  of: (row: Row) => T,
): (T | null)[] {
  const found = new Map(rows.map((row) => [row.place, of(row)]));
  return requests.map((_, index) => found.get(index + 1) ?? null);
}

/** Columns of a conversation's head `h`. */
export const headColumns =
  "h.seq as h_seq, h.rev as h_rev, h.members_rev as h_members_rev, h.last_message_at as h_last_message_at";

export interface HeadRow {
  readonly h_seq: number;
  readonly h_rev: number;
  readonly h_members_rev: number;
  readonly h_last_message_at: string | null;
}

export function toHead(row: HeadRow): Head {
  return {
    seq: row.h_seq,
    rev: row.h_rev,
    membersRev: row.h_members_rev,
    lastMessageAtUs: toUsOrNull(row.h_last_message_at),
  };
}

/** SQL of the store's generation. By its key, because a scan would make the plan of the whole statement look expensive. */
export const presentGeneration = "(select generation from store_generation where is_only limit 1)";

/**
 * Whether `asked.since_rev` cannot be resumed from. What the node asks for itself can only be beyond the head: it forgets its cursors with
 * the history that they are from. `restored_rev` is what the history before the present one has in common with it; of earlier ones, and of
 * cursors that do not say which they are from, nothing is known.
 */
export const isExpired = `asked.since_rev > h.rev or asked.viewer_id is not null and asked.since_rev > 0 and (
  asked.since_rev < h.horizon_rev
  or asked.since_rev < viewer.joined_rev
  or store.generation > 1 and asked.generation is distinct from store.generation
    and (asked.since_rev > h.restored_rev or coalesce(asked.generation, 1) < store.generation - 1))`;

/** What the members of a conversation `c` can change about it. */
export const settingsColumns =
  "c.id as c_id, c.type as c_type, c.metadata as c_metadata, c.is_active as c_is_active";

export interface SettingsRow {
  readonly c_id: string;
  readonly c_type: ConversationType;
  readonly c_metadata: Buffer;
  readonly c_is_active: boolean;
}

export function toSettings(row: SettingsRow): ConversationSettings {
  return {
    id: row.c_id,
    type: row.c_type,
    metadata: row.c_metadata.toString(),
    isActive: row.c_is_active,
  };
}

/** Those who are members of the conversation `c` now, with their marks. */
export const membersLateral = `cross join lateral (
  select ${packed(
    ["user_id", "role", "joined_at", "joined_seq", "joined_rev", "pending", "delivered_seq", "read_seq"],
    "order by joined_at, user_id",
  )} as members
  from conversation_members where conversation_id = c.id and left_seq is null) members`;

export interface MembersRow {
  readonly members: string | null;
}

export function toMembers(row: MembersRow): (Member & MemberBefore)[] {
  return unpack(row.members).map(
    ([userId, role, joinedAt, joinedSeq, joinedRev, pending, deliveredSeq, readSeq]) => ({
      ...toMember([userId!, role!, joinedAt!, joinedSeq!, joinedRev!, pending!]),
      deliveredSeq: Number(deliveredSeq),
      readSeq: Number(readSeq),
    }),
  );
}

type MemberFields = readonly [
  userId: string,
  role: string,
  joinedAt: string,
  joinedSeq: string,
  joinedRev: string,
  /** Empty: not pending. */
  pending: string,
];

export function toMember([userId, role, joinedAt, joinedSeq, joinedRev, pending]: MemberFields): Member {
  return {
    userId,
    role: role as Role,
    pending: pending === "" ? undefined : (pending as Pending),
    joinedAtUs: toUs(joinedAt),
    joinedSeq: Number(joinedSeq),
    joinedRev: Number(joinedRev),
  };
}

export function withoutMarks({ userId, role, pending, joinedAtUs, joinedSeq, joinedRev }: Member): Member {
  return { userId, role, pending, joinedAtUs, joinedSeq, joinedRev };
}

/** Memberships that may have ended. */
export const packedRecords = packed([
  "user_id",
  "role",
  "joined_at",
  "joined_seq",
  "joined_rev",
  "rev",
  "left_seq",
  "left_at",
  "pending",
]);

export function toRecords(text: string | null): MemberRecord[] {
  return unpack(text).map(
    ([userId, role, joinedAt, joinedSeq, joinedRev, rev, leftSeq, leftAt, pending]) => ({
      ...toMember([userId!, role!, joinedAt!, joinedSeq!, joinedRev!, pending!]),
      rev: Number(rev),
      leftSeq: leftSeq === "" ? null : Number(leftSeq),
      leftAtUs: leftAt ? toUs(leftAt) : null,
    }),
  );
}

export function marksOnly({ userId, deliveredSeq, readSeq }: MemberMarks): MemberMarks {
  return { userId, deliveredSeq, readSeq };
}

/** Returns the others. Returns `members` itself if none of `userIds` is among them. */
export function withoutThose<Member extends MemberMarks>(
  members: readonly Member[],
  userIds: readonly string[],
): readonly Member[] {
  if (userIds.length === 0) return members;
  const hidden = new Set(userIds);
  const others = members.filter(({ userId }) => !hidden.has(userId));
  return others.length === members.length ? members : others;
}

/** How far each has come, and from where on. */
export const packedMarks = packed(["user_id", "joined_seq", "delivered_seq", "read_seq"]);

export function toMarks(text: string | null): MemberBefore[] {
  return unpack(text).map(([userId, joinedSeq, deliveredSeq, readSeq]) => ({
    userId: userId!,
    joinedSeq: Number(joinedSeq),
    deliveredSeq: Number(deliveredSeq),
    readSeq: Number(readSeq),
  }));
}
