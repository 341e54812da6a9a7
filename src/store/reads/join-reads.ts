import type { MemberMarks, Pending, Role } from "../../core/conversations/conversation.ts";
import type {
  DevicePosition,
  JoinFacts,
  JoinRequest,
  SyncReads,
  UserFacts,
} from "../../core/ports/sync-reads.ts";
import type { JoinUser } from "../../core/queries.ts";
import type { ReadPool } from "../connections/database.ts";
import { apartFrom } from "./contact-rows.ts";
import type { ParsedMarks } from "./parsed-marks.ts";
import {
  type HeadRow,
  headColumns,
  isExpired,
  packed,
  packedMarks,
  presentGeneration,
  type SettingsRow,
  settingsColumns,
  toHead,
  toSettings,
  unpack,
  withoutThose,
} from "./rows.ts";

/**
 * A known device stands where it has confirmed, and at the begin of the membership where it has confirmed nothing. A cursor from before
 * the present membership stays as it is: the difference from there says that it cannot be resumed. A device that was never seen, or only
 * in a history that is gone, stands at the heads.
 */
const standingOf = (column: "seq" | "rev") =>
  `case when device.generation = store.generation then coalesce(confirmed.${column}, m.joined_${column}) else h.${column} end`;

/** All standings of a user are one row: 500 conversations cost two lookups each and one text. */
const joinFacts = {
  name: "join-facts",
  text: `
select 'conversation' as kind, asked.place, store.generation, viewer.role, viewer.pending, ${settingsColumns}, ${headColumns},
  ${isExpired} as is_expired, members.marks, null::int8 as device_generation, null::text as standings
from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[]) with ordinality
  asked(viewer_id, conversation_id, since_rev, generation, place)
cross join lateral ${presentGeneration} store
left join lateral (
  select role, pending, joined_rev from conversation_members
  where conversation_id = asked.conversation_id and user_id = asked.viewer_id and left_seq is null limit 1) viewer on true
left join lateral (
  select * from conversations where id = asked.conversation_id and viewer.role is not null limit 1) c on true
left join lateral (select * from conversation_heads where conversation_id = c.id limit 1) h on true
cross join lateral (
  select ${packedMarks} as marks from conversation_members
  where conversation_id = c.id and left_seq is null and asked.since_rev is not null) members
union all
select 'user', asked.place, store.generation, null, standings.pending, null, null, null, null, null, null, null, null, null, null,
  device.generation, standings.standings
from unnest($5::uuid[], $6::text[]) with ordinality asked(user_id, device_id, place)
cross join lateral ${presentGeneration} store
left join lateral (
  select generation from devices where user_id = asked.user_id and device_id = asked.device_id limit 1) device on true
cross join lateral (
  select ${packed(["m.conversation_id", "h.seq", "h.rev", standingOf("seq"), standingOf("rev")])} as standings,
    ${packed(["m.conversation_id", "m.pending"])} filter (where m.pending is not null) as pending
  from conversation_members m
  cross join lateral (select seq, rev from conversation_heads where conversation_id = m.conversation_id limit 1) h
  left join lateral (
    select seq, rev from device_cursors
    where user_id = asked.user_id and device_id = asked.device_id and conversation_id = m.conversation_id limit 1) confirmed on true
  where m.user_id = asked.user_id and m.left_seq is null) standings
union all
select 'viewer', asked.place, null, null, null, null, null, null, null, null, null, null, null, null, null, null, apart.users
from unnest($7::uuid[]) with ordinality asked(user_id, place)
cross join lateral (select string_agg(user_id::text, ',') as users from (${apartFrom("asked.user_id")}) of_viewer) apart
where apart.users is not null`,
};

interface ConversationFactsRow extends SettingsRow, HeadRow {
  readonly kind: "conversation";
  readonly place: number;
  readonly generation: number;
  readonly role: Role | null;
  readonly pending: Pending | null;
  readonly is_expired: boolean | null;
  readonly marks: string | null;
}

interface UserFactsRow {
  readonly kind: "user";
  readonly place: number;
  readonly generation: number;
  readonly device_generation: number | null;
  readonly standings: string | null;
  /** Conversations, each with why. */
  readonly pending: string | null;
}

/** One for each viewer who has blocked somebody or is blocked. */
interface ViewerRow {
  readonly kind: "viewer";
  readonly place: number;
  /** Users, with a comma between. */
  readonly standings: string;
}

function conversationValues(conversations: readonly JoinRequest[]): readonly unknown[] {
  return [
    conversations.map((each) => each.viewerId),
    conversations.map((each) => each.conversationId),
    conversations.map((each) => each.since?.rev ?? null),
    conversations.map((each) => each.since?.generation ?? null),
  ];
}

function userValues(users: readonly Omit<JoinUser, "type">[]): readonly unknown[] {
  return [users.map((each) => each.viewerId), users.map((each) => each.deviceId)];
}

export async function readJoinFacts(
  reads: ReadPool,
  conversations: readonly JoinRequest[],
  users: readonly Omit<JoinUser, "type">[],
  marks: ParsedMarks,
): ReturnType<SyncReads["joinFacts"]> {
  const viewers = [...new Set([...conversations, ...users].map(({ viewerId }) => viewerId))];
  const { rows } = await reads.query<ConversationFactsRow | UserFactsRow | ViewerRow>({
    ...joinFacts,
    values: [...conversationValues(conversations), ...userValues(users), viewers],
  });
  const joined = new Map<number, ConversationFactsRow>();
  const met = new Map<number, UserFactsRow>();
  const apart = new Map<string, readonly string[]>();
  for (const row of rows) {
    if (row.kind === "user") met.set(row.place, row);
    else if (row.kind === "viewer") apart.set(viewers[row.place - 1]!, row.standings.split(","));
    else joined.set(row.place, row);
  }
  const apartFromViewer = (viewerId: string) => apart.get(viewerId) ?? nobody;
  return {
    conversations: conversations.map((question, index) => {
      const row = joined.get(index + 1)!;
      const apartIds = apartFromViewer(question.viewerId);
      const seen = withoutThose(marks.of(question.conversationId, row.marks), apartIds);
      return { ...toJoinFacts(question, row, seen), apartIds };
    }),
    users: users.map(({ viewerId }, index) => ({
      ...toUserFacts(met.get(index + 1)!),
      apartIds: apartFromViewer(viewerId),
    })),
  };
}

function toJoinFacts(
  { viewerId, conversationId }: JoinRequest,
  row: ConversationFactsRow,
  marks: readonly MemberMarks[],
): Omit<JoinFacts, "apartIds"> {
  const { generation } = row;
  const asked = { viewerId, conversationId, generation };
  if (row.role === null) {
    return { ...asked, membership: null, conversation: null, head: null, marks: [], isExpired: false };
  }
  return {
    ...asked,
    membership: { role: row.role, pending: row.pending ?? undefined },
    conversation: toSettings(row),
    head: toHead(row),
    marks,
    isExpired: row.is_expired === true,
  };
}

const nobody: readonly string[] = [];

function toUserFacts(row: UserFactsRow): Omit<UserFacts, "apartIds"> {
  return {
    pending: new Map(unpack(row.pending).map(([id, pending]) => [id!, pending as Pending])),
    generation: row.generation,
    deviceGeneration: row.device_generation,
    standings: unpack(row.standings).map(toStanding),
  };
}

function toStanding([conversationId, headSeq, headRev, seq, rev]: readonly string[]): DevicePosition {
  return {
    conversationId: conversationId!,
    headSeq: Number(headSeq),
    headRev: Number(headRev),
    seq: Number(seq),
    rev: Number(rev),
  };
}
