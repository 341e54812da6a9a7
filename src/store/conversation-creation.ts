import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import { type CreateDirect, pairOf } from "../core/conversations/create.ts";
import { formatInstant } from "../core/instant.ts";
import type { ConversationCreation } from "../core/ports/store.ts";
import { conversations } from "./schema.ts";

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

/** Not in the lane: a conversation that is being created has no owner yet, and the unique pair decides between two creators. */
export class PostgresConversationCreation implements ConversationCreation {
  readonly #pool: pg.Pool;

  constructor(options: { readonly pool: pg.Pool }) {
    this.#pool = options.pool;
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
    const { rows } = await this.#pool.query<{ id: string }>({ ...createDirect, values });
    if (rows[0]) return { conversationId: rows[0].id, created: true };
    return { conversationId: await this.#existing(low, high), created: false };
  }

  /** A second statement: the first one's snapshot may be older than the conversation that was in its way. */
  async #existing(low: string, high: string): Promise<string> {
    const found = await drizzle(this.#pool)
      .select({ id: conversations.id })
      .from(conversations)
      .where(and(eq(conversations.directLow, low), eq(conversations.directHigh, high)));
    return found[0]!.id;
  }
}
