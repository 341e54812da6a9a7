import type pg from "pg";
import type { BlockedSide } from "../core/conversations/blocks.ts";
import type { Role } from "../core/conversations/conversation.ts";
import type { BlockedPair, Blocks } from "../core/ports/blocks.ts";
import type { Clock } from "../core/ports/clock.ts";
import { blocksChannel } from "./change-block.ts";
import { type DatabaseSettings, destroy, openClient } from "./database.ts";
import { toUs } from "./rows.ts";

const reconnectPauseMs = 500;

type Side = "low" | "high";

const sideColumns = (side: Side, other: Side) =>
  `p.${side}_id, p.${other}_blocks_since is not null as ${side}_is_blocked, ${side}.role as ${side}_role,
  ${side}.joined_at as ${side}_joined_at, ${side}.joined_seq as ${side}_joined_seq, ${side}.joined_rev as ${side}_joined_rev`;
const sideLateral = (side: Side) => `left join lateral (
  select role, joined_at, joined_seq, joined_rev from conversation_members
  where conversation_id = c.id and user_id = p.${side}_id limit 1) ${side} on true`;

/** Blocked and unblocked again is another state, until both are as if nothing had been. */
const version = "coalesce(p.low_blocks_since::text, '') || ',' || coalesce(p.high_blocks_since::text, '')";

/** Whoever begins a conversation writes the pair's row: one that was there before the block is seen here. */
const pending = {
  name: "pending-blocks",
  text: `
select ${version} as version, c.id as conversation_id, ${sideColumns("low", "high")}, ${sideColumns("high", "low")}
from direct_pairs p
left join lateral (
  select id from conversations where direct_low = p.low_id and direct_high = p.high_id limit 1) c on true
${sideLateral("low")}
${sideLateral("high")}
where p.is_pending
limit $1`,
};

const applied = {
  name: "blocks-applied",
  text: `
update direct_pairs p set is_pending = false
from unnest($1::uuid[], $2::uuid[], $3::text[]) u(low_id, high_id, version)
where p.low_id = u.low_id and p.high_id = u.high_id and ${version} = u.version`,
};

/** The members' columns are null where there is no conversation. */
type PendingRow = { readonly version: string; readonly conversation_id: string | null } & Readonly<
  Record<`${Side}_id` | `${Side}_joined_at`, string> &
    Record<`${Side}_is_blocked`, boolean> &
    Record<`${Side}_role`, Role> &
    Record<`${Side}_joined_seq` | `${Side}_joined_rev`, number>
>;

/** Hears of changes by NOTIFY, on a connection of its own; whatever was said while there was none is found when there is one again. */
export class PostgresBlocks implements Blocks {
  readonly #settings: DatabaseSettings;
  readonly #clock: Clock;
  #client: pg.Client | null = null;
  #listener: () => void = () => {};
  #stopped = false;

  constructor(options: { readonly settings: DatabaseSettings; readonly clock: Clock }) {
    this.#settings = options.settings;
    this.#clock = options.clock;
  }

  subscribe(listener: () => void): void {
    this.#listener = listener;
    void this.#connect();
  }

  async pending(limit: number): Promise<readonly BlockedPair[]> {
    const { rows } = await this.#connected().query<PendingRow>({ ...pending, values: [limit] });
    return rows.map(toPair);
  }

  async applied(pairs: readonly BlockedPair[]): Promise<void> {
    await this.#connected().query({
      ...applied,
      values: [
        pairs.map(({ lowId }) => lowId),
        pairs.map(({ highId }) => highId),
        pairs.map(({ version }) => version),
      ],
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  #connected(): pg.Client {
    if (!this.#client) throw new Error("the connection that hears of blocks is away");
    return this.#client;
  }

  async #connect(): Promise<void> {
    while (!this.#stopped && !this.#client) {
      const client = await this.#open();
      if (!client) await new Promise<void>((resolve) => this.#clock.after(reconnectPauseMs, resolve));
    }
    if (!this.#stopped) this.#listener();
  }

  /** Null: the database cannot be reached. */
  async #open(): Promise<pg.Client | null> {
    let client: pg.Client | null = null;
    try {
      client = await openClient(this.#settings, "blocks", () => this.#lost(client));
      client.on("notification", () => this.#listener());
      await client.query(`listen ${blocksChannel}`);
    } catch {
      if (client) destroy(client);
      return null;
    }
    if (this.#stopped) await client.end().catch(() => {});
    else this.#client = client;
    return client;
  }

  #lost(client: pg.Client | null): void {
    if (this.#client !== client || this.#stopped) return;
    this.#client = null;
    void this.#connect();
  }
}

function toPair(row: PendingRow): BlockedPair {
  const id = row.conversation_id;
  return {
    lowId: row.low_id,
    highId: row.high_id,
    version: row.version,
    conversation: id === null ? null : { id, sides: [toSide(row, "low"), toSide(row, "high")] },
  };
}

function toSide(row: PendingRow, side: Side): BlockedSide {
  return {
    isBlocked: row[`${side}_is_blocked`],
    member: {
      userId: row[`${side}_id`],
      role: row[`${side}_role`],
      joinedAtUs: toUs(row[`${side}_joined_at`]),
      joinedSeq: row[`${side}_joined_seq`],
      joinedRev: row[`${side}_joined_rev`],
    },
  };
}
