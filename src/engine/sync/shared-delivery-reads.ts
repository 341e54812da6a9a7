import type { ActorReads } from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DeliveryReads, PresentMembers } from "../../core/ports/delivery-reads.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { BatchLoader } from "../reads/batch-loader.ts";

/** Gaps of one read. Each brings at most a megabyte. */
const gapsAtOnce = 16;
/** Conversations whose members one read brings. */
const conversationsAtOnce = 50;
/** Every conversation that a node listens to may have a gap. */
const maxWaiting = 1_000_000;

/** Reads what a node missed, of many conversations together: a node with many gaps leaves the connections to its users. */
export class SharedDeliveryReads implements DeliveryReads {
  readonly #reads: Pick<DeliveryReads, "heads">;
  readonly #changes: BatchLoader<ChangesRequest, Changes>;
  readonly #members: BatchLoader<string, { readonly present: PresentMembers | null }>;

  constructor(options: {
    readonly reads: Pick<DeliveryReads, "changes" | "heads">;
    readonly actorReads: Pick<ActorReads, "loadConversations">;
    readonly clock: Clock;
  }) {
    const { reads, actorReads, clock } = options;
    this.#reads = reads;
    this.#changes = new BatchLoader({
      ...countedTo(gapsAtOnce),
      load: (questions: readonly ChangesRequest[]) => reads.changes(questions),
      userOf: ({ conversationId }) => conversationId,
      clock,
    });
    this.#members = new BatchLoader({
      ...countedTo(conversationsAtOnce),
      load: (ids: readonly string[]) => readMembers(actorReads, ids),
      userOf: (id) => id,
      clock,
    });
  }

  changes(questions: readonly ChangesRequest[]): Promise<readonly Changes[]> {
    return Promise.all(questions.map((question) => orThrow(this.#changes.load(question))));
  }

  heads(conversationIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#reads.heads(conversationIds);
  }

  async members(conversationId: string): Promise<PresentMembers | null> {
    return (await orThrow(this.#members.load(conversationId))).present;
  }
}

function countedTo(maxRequests: number) {
  return { weigh: () => 1, maxWeight: maxRequests, maxRequests, maxWaiting };
}

async function readMembers(reads: Pick<ActorReads, "loadConversations">, ids: readonly string[]) {
  const loaded = await reads.loadConversations(ids);
  const found = new Map<string, PresentMembers>(loaded.map(({ state }) => [state.id, state]));
  return ids.map((id) => ({ present: found.get(id) ?? null }));
}

/** Throws when a read has waited for too long: the caller tries again, as when the store cannot be reached. */
async function orThrow<T extends object>(loading: Promise<T | null>): Promise<T> {
  const loaded = await loading;
  if (!loaded) throw new StoreUnavailable({ cause: new Error("too many reads wait") });
  return loaded;
}
