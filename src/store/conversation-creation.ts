import { type CreateDirect, type CreateGroup, pairOf } from "../core/conversations/create.ts";
import { formatInstant } from "../core/instant.ts";
import type { ConversationCreation } from "../core/ports/store.ts";
import { uuidArray } from "./binary-array.ts";
import type { ReadPool } from "./database.ts";

/** The pair, the conversation, its members and its head, or nothing, in one statement. */
const createDirect = {
  name: "create-direct",
  text: `
with created as (
  insert into conversations (id, type, created_at, updated_at, direct_low, direct_high)
  values ($1, 'direct', $2, $2, $3, $4)
  on conflict (direct_low, direct_high) do nothing
  returning id
),
members as (
  insert into conversation_members (conversation_id, user_id, role, joined_at)
  select created.id, member.user_id, member.role, $2::timestamptz
  from created, (values ($5::uuid, 'owner'), ($6::uuid, 'member')) member(user_id, role)
),
head as (insert into conversation_heads (conversation_id) select id from created)
select id from created`,
};

const findDirect = {
  name: "find-direct",
  text: "select id from conversations where direct_low = $1 and direct_high = $2",
};

/** A group, its members and its head. */
const createGroup = {
  name: "create-group",
  text: `
with created as (
  insert into conversations (id, type, metadata, created_at, updated_at) values ($1, 'group', $2, $3, $3) returning id
),
members as (
  insert into conversation_members (conversation_id, user_id, role, joined_at)
  select created.id, member.user_id, member.role, $3::timestamptz
  from created, (select $4::uuid, 'owner' union all select other, 'member' from unnest($5::uuid[]) other) member(user_id, role)
)
insert into conversation_heads (conversation_id) select id from created`,
};

/** Not in the lane: a conversation that is being created has no owner yet, and the unique pair decides between two creators. */
export class PostgresConversationCreation implements ConversationCreation {
  readonly #reads: ReadPool;

  constructor(options: { readonly reads: ReadPool }) {
    this.#reads = options.reads;
  }

  async createDirect(
    command: CreateDirect,
  ): Promise<{ readonly conversationId: string; readonly created: boolean }> {
    const { low, high } = pairOf(command);
    const values = [
      command.id,
      formatInstant(command.atUs),
      low,
      high,
      command.creatorId,
      command.otherUserId,
    ];
    const { rows } = await this.#reads.query<{ id: string }>({ ...createDirect, values });
    if (rows[0]) return { conversationId: rows[0].id, created: true };
    return { conversationId: await this.#existing(low, high), created: false };
  }

  async createGroup(command: CreateGroup): Promise<void> {
    const values = [
      command.id,
      Buffer.from(command.metadata),
      formatInstant(command.atUs),
      command.creatorId,
      uuidArray(command.otherUserIds),
    ];
    await this.#reads.query({ ...createGroup, values });
  }

  /** A second statement: the first one's snapshot may be older than the conversation that was in its way. */
  async #existing(low: string, high: string): Promise<string> {
    const { rows } = await this.#reads.query<{ id: string }>({ ...findDirect, values: [low, high] });
    return rows[0]!.id;
  }
}
