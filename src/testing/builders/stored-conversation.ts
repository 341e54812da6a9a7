import type { Role } from "../../core/conversations/conversation.ts";
import { formatInstant } from "../../core/instant.ts";
import { newId } from "../../system.ts";
import type { MigratedDatabase } from "../processes/migrated-database.ts";

/** The start of 2026. A message is sent as many microseconds after it as its seq says, or as it is told. */
export const baseUs = 1_767_225_600_000_000;

/**
 * A conversation written by SQL, for tests of what is read of it: each call is one revision, stored at once, as the engine would leave it.
 * The first of its users owns it.
 */
export class StoredConversation {
  readonly id = newId();
  readonly #database: Pick<MigratedDatabase, "sql">;
  /** The ids of its messages, in order of seq. */
  readonly messageIds: string[] = [];
  /** Of the command that made the last change of a message. */
  changeId = "";
  rev = 0;

  static async of(
    database: Pick<MigratedDatabase, "sql">,
    userIds: readonly string[],
  ): Promise<StoredConversation> {
    const conversation = new StoredConversation(database);
    await conversation.#create(userIds);
    return conversation;
  }

  private constructor(database: Pick<MigratedDatabase, "sql">) {
    this.#database = database;
  }

  get seq(): number {
    return this.messageIds.length;
  }

  get atUs(): number {
    return baseUs + 1_000_000 + this.rev;
  }

  async #create(userIds: readonly string[]): Promise<void> {
    await this.#sql(
      `with c as (insert into conversations (id, type, metadata, created_at, updated_at) values ($1, 'group', '{}', $2, $2)),
      h as (insert into conversation_heads (conversation_id) values ($1))
      insert into conversation_members (conversation_id, user_id, role, joined_at)
      select $1, user_id, case place when 1 then 'owner' else 'member' end, $2
      from unnest($3::uuid[]) with ordinality each(user_id, place)`,
      [this.id, formatInstant(baseUs), userIds],
    );
  }

  /** Messages of one sender, all in one revision. */
  async send(senderId: string, given: { count?: number; sentAtUs?: number; content?: string } = {}) {
    const { count = 1, sentAtUs, content = "text" } = given;
    const from = this.seq;
    const ids = Array.from({ length: count }, newId);
    await this.#change(
      ", seq = $3::int8, last_message_at = $4::timestamptz",
      `insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, sent_at)
      select id, $1, $5::int8 + place, $2, $2, $6, 0, convert_to($7::text || ' ' || ($5::int8 + place), 'UTF8'), '{}',
        $4::timestamptz - ($3::int8 - $5::int8 - place) * interval '1 microsecond'
      from unnest($8::uuid[]) with ordinality each(id, place)`,
      [from + count, formatInstant(sentAtUs ?? baseUs + from + count), from, senderId, content, ids],
    );
    this.messageIds.push(...ids);
  }

  /** As many messages as this, each in a revision of its own. */
  async fill(senderId: string, count: number): Promise<void> {
    const ids = Array.from({ length: count }, newId);
    await this.#sql(
      `with head as (
        update conversation_heads set seq = $2::int8 + $4::int8, rev = $3::int8 + $4::int8, last_message_at = $6::timestamptz + ($2::int8 + $4::int8) * interval '1 microsecond'
        where conversation_id = $1)
      insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, sent_at)
      select id, $1, $2::int8 + place, $3::int8 + place, $3::int8 + place, $5, 0, convert_to('text ' || ($2::int8 + place), 'UTF8'), '{}',
        $6::timestamptz + ($2::int8 + place) * interval '1 microsecond'
      from unnest($7::uuid[]) with ordinality each(id, place)`,
      [this.id, this.seq, this.rev, count, senderId, formatInstant(baseUs), ids],
    );
    this.messageIds.push(...ids);
    this.rev += count;
  }

  async edit(seqs: readonly number[]): Promise<void> {
    await this.#change(
      "",
      `update messages set rev = $2, content = convert_to('edited ' || $2::int8, 'UTF8'), edited_at = $4, edit_count = edit_count + 1,
        changed_by = $5
      where conversation_id = $1 and seq = any ($3::int8[])`,
      [seqs, formatInstant(this.atUs), this.#aChangeId()],
    );
  }

  async delete(seqs: readonly number[]): Promise<void> {
    await this.#change(
      "",
      `, erased as (delete from message_reactions where conversation_id = $1 and seq = any ($3::int8[]))
      update messages set rev = $2, content = '', metadata = '{}', deleted_at = $4, changed_by = $5,
        relations = case when reply_to_seq is not null then
          convert_to((convert_from(relations, 'UTF8')::jsonb - 'attachments')::text, 'UTF8') end
      where conversation_id = $1 and seq = any ($3::int8[])`,
      [seqs, formatInstant(this.atUs), this.#aChangeId()],
    );
  }

  /** A message with an attachment that answers the one at `seq`. */
  async reply(senderId: string, seq: number): Promise<void> {
    const id = newId();
    const attachment = {
      id,
      mediaId: `media ${this.seq}`,
      mediaType: "image",
      metadata: "{}",
      createdAtUs: baseUs,
    };
    await this.#change(
      ", seq = $3::int8, last_message_at = $4::timestamptz",
      `insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, sent_at,
        reply_to_seq, relations)
      values ($5, $1, $3, $2, $2, $6, 1, '', '{}', $4, $7, convert_to($8, 'UTF8'))`,
      [
        this.seq + 1,
        formatInstant(baseUs + this.seq + 1),
        id,
        senderId,
        seq,
        JSON.stringify({ reply_to_id: this.messageIds[seq - 1], attachments: [attachment] }),
      ],
    );
    this.messageIds.push(id);
  }

  /** Gives a reaction to a message, or takes it back. A tombstone gets none. */
  async react(userId: string, seq: number, reaction: string): Promise<void> {
    await this.#change(
      "",
      `, taken as (
        delete from message_reactions where conversation_id = $1 and seq = $4 and user_id = $3 and reaction = $5 returning 1),
      given as (
        insert into message_reactions (conversation_id, seq, user_id, reaction, id, reacted_at)
        select $1, $4, $3, $5, $6, $7 where not exists (
          select from message_reactions where conversation_id = $1 and seq = $4 and user_id = $3 and reaction = $5)
          and exists (select from messages where conversation_id = $1 and seq = $4 and deleted_at is null))
      update messages set rev = $2, changed_by = $6 where conversation_id = $1 and seq = $4`,
      [userId, seq, reaction, this.#aChangeId(), formatInstant(this.atUs)],
    );
  }

  async add(...userIds: string[]): Promise<void> {
    await this.#change(
      ", members_rev = $2",
      `insert into conversation_members as m (conversation_id, user_id, role, joined_at, joined_seq, joined_rev, rev)
      select $1, user_id, 'member', $4, $5, $2, $2 from unnest($3::uuid[]) user_id
      on conflict (conversation_id, user_id) do update
        set role = 'member', joined_at = $4, joined_seq = $5, joined_rev = $2, rev = $2, left_seq = null, left_at = null`,
      [userIds, formatInstant(this.atUs), this.seq],
    );
  }

  async remove(userId: string): Promise<void> {
    await this.#change(
      ", members_rev = $2",
      `update conversation_members set rev = $2, left_seq = $4, left_at = $5 where conversation_id = $1 and user_id = $3`,
      [userId, this.seq, formatInstant(this.atUs)],
    );
  }

  async changeRole(userId: string, role: Role): Promise<void> {
    await this.#change(
      ", members_rev = $2",
      `update conversation_members set rev = $2, role = $4 where conversation_id = $1 and user_id = $3`,
      [userId, role],
    );
  }

  /** Changes two members in one revision. */
  async handOver(userId: string): Promise<void> {
    await this.#change(
      ", members_rev = $2",
      `update conversation_members set rev = $2, role = case when user_id = $3 then 'owner' else 'admin' end
      where conversation_id = $1 and left_seq is null and (user_id = $3 or role = 'owner')`,
      [userId],
    );
  }

  async rename(): Promise<void> {
    await this.#change(
      "",
      `update conversations set rev = $2, metadata = convert_to('{"name":"' || $2::int8 || '"}', 'UTF8') where id = $1`,
      [],
    );
  }

  /** Has no revision. */
  async mark(userId: string, deliveredSeq: number, readSeq: number): Promise<void> {
    await this.#sql(
      `update conversation_members set delivered_seq = greatest(delivered_seq, $3), read_seq = greatest(read_seq, $4)
      where conversation_id = $1 and user_id = $2`,
      [this.id, userId, deliveredSeq, readSeq],
    );
  }

  #aChangeId(): string {
    this.changeId = newId();
    return this.changeId;
  }

  /** The head moves with what happens, in one statement: `$1` the conversation, `$2` the revision. */
  async #change(ofHead: string, text: string, values: readonly unknown[]): Promise<void> {
    const rev = this.rev + 1;
    await this.#sql(
      `with head as (update conversation_heads set rev = $2::int8 ${ofHead} where conversation_id = $1) ${text}`,
      [this.id, rev, ...values],
    );
    this.rev = rev;
  }

  #sql(text: string, values: readonly unknown[]) {
    return this.#database.sql(text, values);
  }
}
