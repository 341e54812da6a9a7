import { type CreateDirect, type CreateGroup, pairOf } from "../core/conversations/create.ts";
import { formatInstant } from "../core/instant.ts";
import type { ConversationCreation, CreatedDirect } from "../core/ports/store.ts";
import { uuidArray } from "./binary-array.ts";
import type { ReadPool } from "./database.ts";

const blockColumns =
  'p.low_blocks_since is not null as "lowBlocks", p.high_blocks_since is not null as "highBlocks"';

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
  insert into conversation_members (conversation_id, user_id, role, joined_at)
  select created.id, member.user_id, member.role, $2::timestamptz
  from created, (values ($5::uuid, 'owner'), ($6::uuid, 'member')) member(user_id, role)
),
head as (insert into conversation_heads (conversation_id) select id from created)
select created.id, ${blockColumns} from p left join created on true`,
};

interface PairRow {
  readonly id: string | null;
  readonly lowBlocks: boolean;
  readonly highBlocks: boolean;
}

/** A group, its members and its head; nothing where the id is taken, also by who creates it at the same time. */
const createGroup = {
  name: "create-group",
  text: `
with created as (
  insert into conversations (id, type, metadata, created_at, updated_at) values ($1, 'group', $2, $3, $3)
  on conflict (id) do nothing returning id
),
members as (
  insert into conversation_members (conversation_id, user_id, role, joined_at)
  select created.id, member.user_id, member.role, $3::timestamptz
  from created, (select $4::uuid, 'owner' union all select other, 'member' from unnest($5::uuid[]) other) member(user_id, role)
)
insert into conversation_heads (conversation_id) select id from created returning conversation_id`,
};

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
    ];
    const { rows } = await this.#reads.query<PairRow>({ ...createDirect, values });
    return toCreated(command, rows[0]!, true) ?? toCreated(command, await this.#find(low, high), false)!;
  }

  async createGroup(command: CreateGroup): Promise<boolean> {
    const values = [
      command.id,
      Buffer.from(command.metadata),
      formatInstant(command.atUs),
      command.creatorId,
      uuidArray(command.otherUserIds),
    ];
    const { rows } = await this.#reads.query({ ...createGroup, values });
    return rows.length > 0;
  }

  async #find(low: string, high: string): Promise<PairRow> {
    const { rows } = await this.#reads.query<PairRow>({ ...findDirect, values: [low, high] });
    return rows[0]!;
  }
}

/** Null: there is neither a conversation nor a block. */
function toCreated(command: CreateDirect, pair: PairRow, created: boolean): CreatedDirect | null {
  const isLow = command.creatorId === pairOf(command).low;
  const [byCreator, byOther] = isLow ? [pair.lowBlocks, pair.highBlocks] : [pair.highBlocks, pair.lowBlocks];
  if (byCreator) return { type: "blocked", by: "creator" };
  if (byOther) return { type: "blocked", by: "other" };
  return pair.id === null ? null : { type: "exists", conversationId: pair.id, created };
}
