import { type CreateDirect, type CreateGroup, pairOf } from "../core/conversations/create.ts";
import { formatInstant } from "../core/instant.ts";
import type {
  ConversationCreation,
  CreatedDirect,
  CreatedGroup,
} from "../core/ports/conversation-creation.ts";
import { uuidArray } from "./append/binary-array.ts";
import type { ReadPool } from "./connections/database.ts";
import { isKnown } from "./reads/contact-rows.ts";

const blockColumns =
  'p.low_blocks_since is not null as "lowBlocks", p.high_blocks_since is not null as "highBlocks"';

/** SQL for how the membership of `other` begins, as `pendingOf` of the core. */
function pendingOf(asksFirst: string, creator: string, other: string): string {
  return `case when ${asksFirst} and not ${isKnown(creator, other)} then 'request' else 'added' end`;
}

/** What there is of the pair: most often, all of it. */
const findDirect = {
  name: "find-direct",
  text: `
select c.id, ${blockColumns}
from (values ($1::uuid, $2::uuid)) asked(low_id, high_id)
left join direct_pairs p on p.low_id = asked.low_id and p.high_id = asked.high_id
left join conversations c on c.direct_low = asked.low_id and c.direct_high = asked.high_id`,
};

/**
 * The pair, the conversation, its members and its head, in one statement; nothing but the pair where there is a block. The conflict waits for
 * whoever else writes the pair, and reads it as it is then: a look at it alone would see it as it was.
 */
const createDirect = {
  name: "create-direct",
  text: `
with p as (
  insert into direct_pairs as p (low_id, high_id) values ($3, $4)
  on conflict (low_id, high_id) do update set is_pending = p.is_pending
  returning low_blocks_since, high_blocks_since
),
created as (
  insert into conversations (id, type, created_at, updated_at, direct_low, direct_high)
  select $1, 'direct', $2, $2, $3, $4 from p where p.low_blocks_since is null and p.high_blocks_since is null
  on conflict (direct_low, direct_high) do nothing
  returning id
),
members as (
  insert into conversation_members (conversation_id, user_id, role, joined_at, pending)
  select created.id, member.user_id, member.role, $2::timestamptz, member.pending
  from created, (values ($5::uuid, 'owner', null), ($6::uuid, 'member', ${pendingOf("$7::bool", "$5::uuid", "$6::uuid")}))
    member(user_id, role, pending)
  returning user_id, pending
),
head as (insert into conversation_heads (conversation_id) select id from created)
select created.id, ${blockColumns},
  (select array_agg(user_id::text) from members where pending = 'request') as "askedIds"
from p left join created on true`,
};

interface PairRow {
  readonly id: string | null;
  readonly lowBlocks: boolean;
  readonly highBlocks: boolean;
  readonly askedIds?: readonly string[] | null;
}

/**
 * Writes the pairs of the creator and each other member, then the group, its members and its head. Writes nothing if there is a block or the id
 * is taken. Only if the block or the group is stored at the same time do the pairs stay without a group. The pairs are locked in the order
 * of their keys, as for a direct conversation: a block and a creation that happen at once wait for each other.
 */
const createGroup = {
  name: "create-group",
  text: `
with asked as materialized (
  select least($4::uuid, other) as low_id, greatest($4::uuid, other) as high_id from unnest($5::uuid[]) other
),
blocked as materialized (
  select low_id, high_id, ${blockColumns} from asked cross join lateral (
    select low_blocks_since, high_blocks_since from direct_pairs
    where low_id = asked.low_id and high_id = asked.high_id
      and (low_blocks_since is not null or high_blocks_since is not null) limit 1) p
),
p as (
  insert into direct_pairs as p (low_id, high_id)
  select low_id, high_id from asked
  where not exists (select from blocked) and not exists (select from conversations where id = $1) order by 1, 2
  on conflict (low_id, high_id) do update set is_pending = p.is_pending
  returning low_id, high_id, ${blockColumns}
),
apart as (
  select case when low_id = $4 then high_id else low_id end as other,
    case when low_id = $4 then "lowBlocks" else "highBlocks" end as "byCreator"
  from (select * from blocked union all select * from p) pairs where "lowBlocks" or "highBlocks"
),
created as (
  insert into conversations (id, type, metadata, created_at, updated_at)
  select $1, 'group', $2, $3, $3 where (select count(*) from apart) = 0
  on conflict (id) do nothing returning id
),
members as (
  insert into conversation_members (conversation_id, user_id, role, joined_at, pending)
  select created.id, member.user_id, member.role, $3::timestamptz, member.pending
  from created, (
    select $4::uuid, 'owner', null
    union all select other, 'member', ${pendingOf("$6::bool", "$4::uuid", "other")} from unnest($5::uuid[]) other)
    member(user_id, role, pending)
  returning user_id, pending
),
head as (insert into conversation_heads (conversation_id) select id from created)
select exists (select from created) as created, exists (select from conversations where id = $1) as existed,
  (select array_agg(other::text) from apart where "byCreator") as "blockedIds",
  (select array_agg(other::text) from apart) as "apartIds",
  (select array_agg(user_id::text) from members where pending = 'request') as "askedIds"`,
};

interface GroupRow {
  readonly created: boolean;
  readonly existed: boolean;
  /** Whom the creator has blocked; null: nobody. */
  readonly blockedIds: readonly string[] | null;
  /** Whom the creator has blocked, or who has blocked the creator; null: nobody. */
  readonly apartIds: readonly string[] | null;
  readonly askedIds: readonly string[] | null;
}

/** Not in the lane: a conversation that is being created has no owner yet, and the unique pair decides between two creators. */
export class PostgresConversationCreation implements ConversationCreation {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  /** The third statement is for who created it at the same time: the second one's snapshot may be older than that conversation. */
  async createDirect(command: CreateDirect): Promise<CreatedDirect> {
    const { low, high } = pairOf(command);
    const found = await this.#find(low, high);
    const known = toCreated(command, found, false);
    if (known) return known;
    const values = [
      command.id,
      formatInstant(command.atUs),
      low,
      high,
      command.creatorId,
      command.otherUserId,
      command.asksFirst ?? false,
    ];
    const { rows } = await this.#reads.query<PairRow>({ ...createDirect, values });
    return toCreated(command, rows[0]!, true) ?? toCreated(command, await this.#find(low, high), false)!;
  }

  async createGroup(command: CreateGroup): Promise<CreatedGroup> {
    const values = [
      command.id,
      Buffer.from(command.metadata),
      formatInstant(command.atUs),
      command.creatorId,
      uuidArray(command.otherUserIds),
      command.asksFirst ?? false,
    ];
    const { rows } = await this.#reads.query<GroupRow>({ ...createGroup, values });
    return toCreatedGroup(rows[0]!);
  }

  async #find(low: string, high: string): Promise<PairRow> {
    const { rows } = await this.#reads.query<PairRow>({ ...findDirect, values: [low, high] });
    return rows[0]!;
  }
}

/** A group that exists already is answered as such, also when there is a block by now. */
function toCreatedGroup({ created, existed, blockedIds, apartIds, askedIds }: GroupRow): CreatedGroup {
  if (created) return { type: "exists", created, askedIds: askedIds ?? [] };
  if (blockedIds && !existed) return { type: "blocked", by: "creator", userIds: blockedIds };
  if (apartIds && !existed) return { type: "blocked", by: "others", userIds: apartIds };
  return { type: "exists", created, askedIds: [] };
}

/** Null: there is neither a conversation nor a block. */
function toCreated(command: CreateDirect, pair: PairRow, created: boolean): CreatedDirect | null {
  const isLow = command.creatorId === pairOf(command).low;
  const [byCreator, byOther] = isLow ? [pair.lowBlocks, pair.highBlocks] : [pair.highBlocks, pair.lowBlocks];
  if (byCreator) return { type: "blocked", by: "creator" };
  if (byOther) return { type: "blocked", by: "other" };
  if (pair.id === null) return null;
  return { type: "exists", conversationId: pair.id, created, askedIds: pair.askedIds ?? [] };
}
