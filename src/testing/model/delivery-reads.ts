import type { DeliveryReads, PresentMembers } from "../../core/ports/delivery-reads.ts";
import type { Changes, ChangesRequest } from "../../core/ports/sync-reads.ts";
import { loadStates } from "./actor-reads.ts";
import { changesOf } from "./changes.ts";
import type { ModelStore } from "./model-store.ts";

/** Reads as store/reads/delivery-reads.ts does. */
export class ModelDeliveryReads implements DeliveryReads {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async changes(requests: readonly ChangesRequest[]): Promise<readonly Changes[]> {
    return requests.map((request) => changesOf(this.#model, request));
  }

  async heads(conversationIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = conversationIds.flatMap((id) => this.#model.logs.get(id) ?? []);
    return new Map(found.map(({ id, rev }) => [id, rev]));
  }

  async members(conversationId: string): Promise<PresentMembers | null> {
    return loadStates(this.#model, [conversationId])[0] ?? null;
  }
}
