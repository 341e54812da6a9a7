import type pg from "pg";
import type { BlockedSide } from "../core/conversations/blocks.ts";
import type { Member, Pending, Role } from "../core/conversations/conversation.ts";
import type { BlockedPair, Blocks, PairKey } from "../core/ports/blocks.ts";
import { type Clock, pause } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import { StoreUnavailable } from "../core/ports/store-errors.ts";
import { adminChannel, readAdminNote } from "./admin-trail.ts";
import { blocksChannel } from "./change-block.ts";
import {
  asStoreError,
  type DatabaseSettings,
  destroy,
  isServerError,
  openClient,
} from "./connections/database.ts";
import { toUs } from "./reads/rows.ts";

const reconnectPauseMs = 500;
/** So often it is asked whether the connection still listens. */
const heartbeatMs = 10_000;
/** Attempts in a row, 0.5 s apart, before operators are told. */
const failuresToTell = 10;

type Side = "low" | "high";

const sideColumns = (side: Side, other: Side) =>
  `p.${side}_id, p.${other}_blocks_since is not null as ${side}_is_blocked, ${side}.role as ${side}_role,
  ${side}.joined_at as ${side}_joined_at, ${side}.joined_seq as ${side}_joined_seq, ${side}.joined_rev as ${side}_joined_rev,
  ${side}.pending as ${side}_pending, ${side}.stays_out_until is not null as ${side}_has_declined`;
const sideLateral = (side: Side) => `left join lateral (
  select role, joined_at, joined_seq, joined_rev, pending, stays_out_until from conversation_members
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
where p.is_pending and (p.low_id, p.high_id) > ($1, $2)
order by p.low_id, p.high_id
limit $3`,
};

const applied = {
  name: "blocks-applied",
  text: `
update direct_pairs p set is_pending = false
from unnest($1::uuid[], $2::uuid[], $3::text[]) u(low_id, high_id, version)
where p.low_id = u.low_id and p.high_id = u.high_id and ${version} = u.version`,
};

const heartbeat = {
  name: "blocks-heartbeat",
  text: `select exists (select from pg_listening_channels() c where c = '${blocksChannel}') as listens`,
};

/** The members' columns are null where there is no conversation, or no row of that membership. */
type PendingRow = { readonly version: string; readonly conversation_id: string | null } & Readonly<
  Record<`${Side}_id`, string> &
    Record<`${Side}_joined_at`, string | null> &
    Record<`${Side}_is_blocked` | `${Side}_has_declined`, boolean> &
    Record<`${Side}_pending`, Pending | null> &
    Record<`${Side}_role`, Role> &
    Record<`${Side}_joined_seq` | `${Side}_joined_rev`, number>
>;

/** Before every pair. */
const noUser = "00000000-0000-0000-0000-000000000000";

/**
 * Listens to NOTIFY on a connection of its own, for blocks and for commands that were run on the database, and reads and writes on it. The
 * connection is replaced when it is lost, when a statement on it is not answered in time, and when a heartbeat finds that it no longer
 * listens; the listener is then called for what it may have missed.
 */
export class PostgresBlocks implements Blocks {
  readonly #settings: DatabaseSettings;
  readonly #clock: Clock;
  readonly #observer: Pick<Observer, "warn" | "security">;
  #client: pg.Client | null = null;
  #listener: () => void = () => {};
  #cancelHeartbeat: () => void = () => {};
  #stopped = false;

  constructor(options: {
    readonly settings: DatabaseSettings;
    readonly clock: Clock;
    readonly observer: Pick<Observer, "warn" | "security">;
  }) {
    this.#settings = options.settings;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  subscribe(listener: () => void): void {
    this.#listener = listener;
    void this.#connect();
  }

  async pending(after: PairKey | null, limit: number): Promise<readonly BlockedPair[]> {
    const { lowId, highId } = after ?? { lowId: noUser, highId: noUser };
    const rows = await this.#query<PendingRow>({ ...pending, values: [lowId, highId, limit] });
    return rows.map(toPair);
  }

  async applied(pairs: readonly BlockedPair[]): Promise<void> {
    const values = [
      pairs.map(({ lowId }) => lowId),
      pairs.map(({ highId }) => highId),
      pairs.map(({ version }) => version),
    ];
    await this.#query({ ...applied, values });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelHeartbeat();
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  /** A connection that did not answer may never do so again: the next statement has another one. */
  async #query<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<readonly Row[]> {
    const client = this.#client;
    if (!client)
      throw new StoreUnavailable({ cause: new Error("the connection that hears of blocks is away") });
    try {
      return (await client.query<Row>(query)).rows;
    } catch (error) {
      if (!isServerError(error)) this.#replace(client, String(error));
      throw asStoreError(error);
    }
  }

  async #connect(): Promise<void> {
    for (let failures = 0; !this.#stopped && !this.#client; failures++) {
      const failure = await this.#open();
      if (failure === null) break;
      if (failures >= failuresToTell) this.#observer.warn("block_listener_unreachable", { reason: failure });
      await pause(this.#clock, reconnectPauseMs);
    }
    if (!this.#stopped) this.#listener();
  }

  /** Returns why the database cannot be reached; null: it listens. */
  async #open(): Promise<string | null> {
    let client: pg.Client | null = null;
    try {
      client = await openClient(this.#settings, "blocks", () => client && this.#lost(client));
      client.on("notification", (notification) => this.#heard(notification));
      await client.query(`listen ${blocksChannel}; listen ${adminChannel}`);
    } catch (error) {
      if (client) destroy(client);
      return String(error);
    }
    if (this.#stopped) await client.end().catch(() => {});
    else this.#listening(client);
    return null;
  }

  #heard({ channel, payload = "" }: pg.Notification): void {
    if (channel === blocksChannel) return this.#listener();
    const note = readAdminNote(payload);
    if (note) this.#observer.security("admin_command", note);
  }

  #listening(client: pg.Client): void {
    this.#client = client;
    this.#beatLater(client);
  }

  #beatLater(client: pg.Client): void {
    this.#cancelHeartbeat = this.#clock.after(heartbeatMs, () => void this.#beat(client));
  }

  async #beat(client: pg.Client): Promise<void> {
    if (this.#client !== client) return;
    try {
      const rows = await this.#query<{ listens: boolean }>(heartbeat);
      if (!rows[0]?.listens) this.#replace(client, "its session no longer listens");
    } catch {
      // One that was not answered has replaced the connection already; a refusal changes nothing.
    }
    if (this.#client === client) this.#beatLater(client);
  }

  #replace(client: pg.Client, reason: string): void {
    if (this.#client !== client || this.#stopped) return;
    this.#observer.warn("block_listener_silent", { reason });
    destroy(client);
    this.#lost(client);
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client || this.#stopped) return;
    this.#client = null;
    this.#cancelHeartbeat();
    void this.#connect();
  }
}

/** One row that cannot be read is no reason to read no other. */
function toPair(row: PendingRow): BlockedPair {
  const isApart = row.low_is_blocked || row.high_is_blocked;
  const pair = { lowId: row.low_id, highId: row.high_id, version: row.version, isApart };
  const id = row.conversation_id;
  if (id === null) return { ...pair, conversation: null, unreadable: null };
  try {
    const sides = [toSide(row, "low"), toSide(row, "high")] as const;
    return { ...pair, conversation: { id, sides }, unreadable: null };
  } catch (error) {
    return { ...pair, conversation: null, unreadable: String(error) };
  }
}

function toSide(row: PendingRow, side: Side): BlockedSide {
  const userId = row[`${side}_id`];
  return {
    userId,
    isBlocked: row[`${side}_is_blocked`],
    hasDeclined: row[`${side}_has_declined`],
    member: toMember(row, side, userId),
  };
}

function toMember(row: PendingRow, side: Side, userId: string): Member | null {
  const joinedAt = row[`${side}_joined_at`];
  if (joinedAt === null) return null;
  return {
    userId,
    role: row[`${side}_role`],
    pending: row[`${side}_pending`] ?? undefined,
    joinedAtUs: toUs(joinedAt),
    joinedSeq: row[`${side}_joined_seq`],
    joinedRev: row[`${side}_joined_rev`],
  };
}
