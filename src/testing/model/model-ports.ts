import { ModelActorReads } from "./actor-reads.ts";
import { ModelBlocks } from "./blocks.ts";
import { ModelCommit } from "./commit.ts";
import { ModelConversationCreation } from "./conversation-creation.ts";
import { ModelDeliveryReads } from "./delivery-reads.ts";
import type { ModelStore } from "./model-store.ts";
import { ModelDeviceCursors, ModelLastSeen, ModelOwnState } from "./private.ts";
import { ModelSyncReads } from "./sync-reads.ts";
import { ModelViewerReads } from "./viewer-reads.ts";

/** Every port of the store, over the model. */
export function modelPorts(model: ModelStore) {
  return {
    commit: new ModelCommit(model),
    actorReads: new ModelActorReads(model),
    viewerReads: new ModelViewerReads(model),
    syncReads: new ModelSyncReads(model),
    deliveryReads: new ModelDeliveryReads(model),
    cursors: new ModelDeviceCursors(model),
    lastSeen: new ModelLastSeen(model),
    own: new ModelOwnState(model),
    creation: new ModelConversationCreation(model),
    blocks: new ModelBlocks(model),
  };
}
