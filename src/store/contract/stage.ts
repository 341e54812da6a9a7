import type { ActorReads } from "../../core/ports/actor-reads.ts";
import type { Blocks } from "../../core/ports/blocks.ts";
import type { AppendOutcome, Batch, CommitPort } from "../../core/ports/commit.ts";
import type { ConversationCreation } from "../../core/ports/conversation-creation.ts";
import type { DeliveryReads } from "../../core/ports/delivery-reads.ts";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import type { LastSeen } from "../../core/ports/last-seen.ts";
import type { OwnState } from "../../core/ports/own-state.ts";
import type { SyncReads } from "../../core/ports/sync-reads.ts";
import type { ViewerReads } from "../../core/ports/viewer-reads.ts";
import { newId } from "../../system.ts";
import { aBatch, startUs } from "../../testing/builders/changes.ts";
import type { BlockChange } from "../change-block.ts";

/** A store of its own, behind its ports. */
export interface StoreStage {
  readonly commit: CommitPort;
  readonly actorReads: ActorReads;
  readonly viewerReads: ViewerReads;
  readonly syncReads: SyncReads;
  readonly deliveryReads: DeliveryReads;
  readonly cursors: DeviceCursors;
  readonly lastSeen: LastSeen;
  readonly own: OwnState;
  readonly creation: ConversationCreation;
  readonly blocks: Blocks;
  /** Returns the epochs at which the store takes writes now. */
  epochs(): Promise<(shard: number) => number>;
  /** Another owner takes these shards. */
  raiseEpochs(shards: readonly number[]): Promise<void>;
  changeBlock(change: BlockChange): Promise<void>;
  /** Begins another history from here on, as after a restore. */
  beginGeneration(): Promise<void>;
  /** Returns how many reads were sent to the store so far; null: it is not asked over a connection. */
  queries(): number | null;
  close(): Promise<void>;
}

export type OpenStore = () => Promise<StoreStage>;

/** Appends at the present epochs. */
export async function append(stage: StoreStage, batch: Partial<Batch>): Promise<AppendOutcome> {
  return stage.commit.append(aBatch(batch), await stage.epochs());
}

export const storedAll = { type: "stored", moved: new Set<string>(), marked: [] } as const;

/** Creates a group; the first of its members owns it. */
export async function aGroup(
  { creation }: StoreStage,
  size = 3,
): Promise<{ readonly id: string; readonly members: readonly string[] }> {
  const [id, creatorId, ...otherUserIds] = Array.from({ length: size + 1 }, newId) as [
    string,
    string,
    ...string[],
  ];
  const given = { id, creatorId, otherUserIds, metadata: "{}", atUs: startUs };
  await creation.createGroup({ type: "create_group", ...given });
  return { id, members: [creatorId, ...otherUserIds] };
}

/** Does the work, and returns its result with the reads that it took; null where there are none to count. */
export async function counted<T>(
  { queries }: StoreStage,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly reads: number | null }> {
  const before = queries();
  const result = await work();
  const after = queries();
  return { result, reads: before === null || after === null ? null : after - before };
}

export function byUser<Each extends { readonly userId: string }>(list: readonly Each[]): Each[] {
  return list.toSorted((one, other) => (one.userId < other.userId ? -1 : 1));
}

export function byConversation<Each extends { readonly conversationId: string }>(
  list: readonly Each[],
): Each[] {
  return list.toSorted((one, other) => (one.conversationId < other.conversationId ? -1 : 1));
}
