import { inSnapshot, instant, type Page } from "./snapshot.ts";

/** What an operator may see of a user: where he is a member, and how far his devices are behind. */
export interface UserInspection {
  readonly id: string;
  /** Of his private state; 0: there was none yet. */
  readonly ownRev: number;
  readonly lastSeenAt: string | null;
  readonly conversationCount: number;
  /** Conversations by the role that he has in them. */
  readonly roles: Readonly<Record<string, number>>;
  /** That he was a member of. */
  readonly formerCount: number;
  readonly markedUnreadCount: number;
  /** A page of those that he is a member of, in order of their ids. */
  readonly conversations: readonly Membership[];
  readonly deviceCount: number;
  /** The first hundred, by name. */
  readonly devices: readonly DeviceInspection[];
  readonly blockCount: number;
  /** The first hundred, in order of the others' ids: whom he has blocked, and who has blocked him. */
  readonly blocks: readonly BlockInspection[];
}

export interface BlockInspection {
  readonly userId: string;
  /** Null: that way nobody is blocked. */
  readonly blockedSince: string | null;
  readonly blockedBySince: string | null;
  /** Their conversation does not follow yet. */
  readonly isPending: boolean;
}

export interface Membership {
  readonly conversationId: string;
  readonly type: string;
  readonly role: string;
  readonly joinedAt: string;
  readonly headSeq: number;
  /** Messages that he may see and has not received, or read. */
  readonly undelivered: number;
  readonly unread: number;
  readonly lastMessageAt: string | null;
}

export interface DeviceInspection {
  readonly deviceId: string;
  readonly firstSeenAt: string;
  /** Of the store when it last confirmed anything; another one than the store's: it begins at the heads when it comes back. */
  readonly generation: number;
  readonly isOfThisGeneration: boolean;
  /** Conversations in which it has confirmed something. */
  readonly cursors: number;
  /** Conversations in which it has something to read, and the messages in them. */
  readonly behind: number;
  readonly lag: number;
}

const mostDevices = 100;
const mostBlocks = 100;

/** Null: nothing is known of such a user; who there is only the auth service knows. */
export function inspectUser(url: string, id: string, page: Page): Promise<UserInspection | null> {
  return inSnapshot(url, async (ask) => {
    const [counted] = await ask<CountsRow>(countsOf, id);
    const { ownRev, lastSeenAt, formerCount, markedUnreadCount, deviceCount, blockCount } = counted!;
    const roles = await ask<{ readonly role: string; readonly count: number }>(rolesOf, id);
    const conversationCount = roles.reduce((sum, { count }) => sum + count, 0);
    const known = conversationCount + formerCount + deviceCount + blockCount + ownRev;
    if (known === 0 && lastSeenAt === null) return null;
    return {
      id,
      ownRev,
      lastSeenAt,
      conversationCount,
      roles: Object.fromEntries(roles.map(({ role, count }) => [role, count])),
      formerCount,
      markedUnreadCount,
      conversations: await ask<Membership>(membershipsOf, id, page.limit, page.offset),
      deviceCount,
      devices: await ask<DeviceInspection>(devicesOf, id, mostDevices),
      blockCount,
      blocks: await ask<BlockInspection>(`${blocksOf} limit $2`, id, mostBlocks),
    };
  });
}

type CountsRow = Pick<
  UserInspection,
  "ownRev" | "lastSeenAt" | "formerCount" | "markedUnreadCount" | "deviceCount" | "blockCount"
>;

/** No index leads to the higher of a pair: what an operator asks now and then may read them all. */
const blocksOf = `
select "userId", "blockedSince", "blockedBySince", "isPending" from (
  select high_id as "userId", ${instant("low_blocks_since")} as "blockedSince",
    ${instant("high_blocks_since")} as "blockedBySince", is_pending as "isPending"
  from direct_pairs where low_id = $1
  union all
  select low_id, ${instant("high_blocks_since")}, ${instant("low_blocks_since")}, is_pending
  from direct_pairs where high_id = $1) pairs
where "blockedSince" is not null or "blockedBySince" is not null or "isPending" order by "userId"`;

const countsOf = `
select coalesce((select own_rev from own_revs where user_id = $1), 0) as "ownRev",
  (select ${instant("at")} from user_last_seen where user_id = $1) as "lastSeenAt",
  (select count(*) from conversation_members where user_id = $1 and left_seq is not null) as "formerCount",
  (select count(*) from conversation_settings where user_id = $1 and unread_from_seq is not null) as "markedUnreadCount",
  (select count(*) from devices where user_id = $1) as "deviceCount",
  (select count(*) from (${blocksOf}) blocks) as "blockCount"`;

const rolesOf = `
select role, count(*) as count from conversation_members
where user_id = $1 and left_seq is null group by role order by role`;

const membershipsOf = `
select m.conversation_id as "conversationId", c.type, m.role, ${instant("m.joined_at")} as "joinedAt", h.seq as "headSeq",
  greatest(h.seq - greatest(m.delivered_seq, m.joined_seq), 0) as undelivered,
  greatest(h.seq - greatest(m.read_seq, m.joined_seq), 0) as unread, ${instant("h.last_message_at")} as "lastMessageAt"
from (
  select * from conversation_members
  where user_id = $1 and left_seq is null order by conversation_id limit $2 offset $3) m
join conversations c on c.id = m.conversation_id
join conversation_heads h on h.conversation_id = m.conversation_id
order by m.conversation_id`;

/** A device stands where it has confirmed, else at the begin of the membership; one of another generation at the heads. */
const devicesOf = `
select d.device_id as "deviceId", ${instant("d.first_seen_at")} as "firstSeenAt", d.generation, d."isOfThisGeneration",
  count(confirmed.seq) as cursors,
  count(*) filter (where h.rev > coalesce(confirmed.rev, m.joined_rev)) as behind,
  coalesce(sum(greatest(h.seq - coalesce(confirmed.seq, m.joined_seq), 0)), 0)::int8 as lag
from (
  select device.*, device.generation = store.generation as "isOfThisGeneration"
  from devices device, store_generation store where device.user_id = $1 order by device_id limit $2) d
left join conversation_members m on m.user_id = d.user_id and m.left_seq is null and d."isOfThisGeneration"
left join conversation_heads h on h.conversation_id = m.conversation_id
left join device_cursors confirmed on confirmed.user_id = d.user_id and confirmed.device_id = d.device_id
  and confirmed.conversation_id = m.conversation_id
group by d.device_id, d.first_seen_at, d.generation, d."isOfThisGeneration" order by d.device_id`;
