import type { ActorReads } from "../../core/ports/actor-reads.ts";
import type { DeliveryReads, PresentMembers } from "../../core/ports/delivery-reads.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import type { ReadPool } from "../connections/database.ts";
import { readChanges } from "./changes-reads.ts";

const heads = {
  name: "heads",
  text: `
select asked.id, h.rev
from unnest($1::uuid[]) asked(id)
cross join lateral (select rev from conversation_heads where conversation_id = asked.id limit 1) h`,
};

/** Reads what a node missed from PostgreSQL. */
export class PostgresDeliveryReads implements DeliveryReads {
  readonly #reads: ReadPool;
  readonly #actorReads: Pick<ActorReads, "loadConversations">;

  constructor(options: {
    readonly reads: ReadPool;
    readonly actorReads: Pick<ActorReads, "loadConversations">;
  }) {
    this.#reads = options.reads;
    this.#actorReads = options.actorReads;
  }

  changes(questions: readonly ChangesRequest[]): Promise<readonly Changes[]> {
    return readChanges(this.#reads, questions);
  }

  async heads(conversationIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.#reads.query<{ id: string; rev: number }>({
      ...heads,
      values: [conversationIds],
    });
    return new Map(rows.map(({ id, rev }) => [id, rev]));
  }

  /** The state of an actor tells it; this is rare. */
  async members(conversationId: string): Promise<PresentMembers | null> {
    return (await this.#actorReads.loadConversations([conversationId]))[0]?.state ?? null;
  }
}
