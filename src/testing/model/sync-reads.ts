import type {
  Changes,
  ChangesRequest,
  DevicePosition,
  JoinFacts,
  JoinRequest,
  SyncReads,
  UserFacts,
} from "../../core/ports/sync-reads.ts";
import type { JoinUser } from "../../core/queries.ts";
import { changesOf, isExpired } from "./changes.ts";
import { headOf, marksOf, settingsOf } from "./log.ts";
import type { ModelStore, StoredDevice } from "./model-store.ts";
import { marksSeenBy } from "./sight.ts";

/** Reads as store/reads/sync-reads.ts does. */
export class ModelSyncReads implements SyncReads {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async joinFacts(
    conversations: readonly JoinRequest[],
    users: readonly Omit<JoinUser, "type">[],
  ): ReturnType<SyncReads["joinFacts"]> {
    return {
      conversations: conversations.map((request) => joinFactsOf(this.#model, request)),
      users: users.map((request) => userFactsOf(this.#model, request)),
    };
  }

  async changes(requests: readonly ChangesRequest[]): Promise<readonly Changes[]> {
    return requests.map((request) => changesOf(this.#model, request));
  }
}

export function joinFactsOf(model: ModelStore, request: JoinRequest): JoinFacts {
  const { viewerId, conversationId, since } = request;
  const { generation } = model;
  const asked = { viewerId, conversationId, generation, apartIds: model.apartFrom(viewerId) };
  const log = model.logs.get(conversationId);
  const viewer = model.presentMember(conversationId, viewerId);
  if (!log || !viewer)
    return { ...asked, membership: null, conversation: null, head: null, marks: [], isExpired: false };
  return {
    ...asked,
    membership: { role: viewer.role, pending: viewer.pending },
    conversation: settingsOf(log),
    head: headOf(log),
    marks: since ? marksSeenBy(model, log, viewerId).map((member) => marksOf(member)) : [],
    isExpired: since !== null && isExpired(model, log, viewer, since),
  };
}

export function userFactsOf(model: ModelStore, { viewerId, deviceId }: Omit<JoinUser, "type">): UserFacts {
  const device = deviceId === null ? undefined : model.devices.get(`${viewerId} ${deviceId}`);
  const pending = model.logsOf(viewerId).flatMap(({ id, members }) => {
    const reason = members.get(viewerId)!.pending;
    return reason ? [[id, reason] as const] : [];
  });
  return {
    generation: model.generation,
    deviceGeneration: device?.generation ?? null,
    standings: positionsOf(model, viewerId, device),
    pending: new Map(pending),
    apartIds: model.apartFrom(viewerId),
  };
}

/** A device of this generation is where it has confirmed, or where the membership began. Any other one is at the heads. */
export function positionsOf(
  model: ModelStore,
  userId: string,
  device: StoredDevice | undefined,
): DevicePosition[] {
  const cursors = device?.generation === model.generation ? device.cursors : null;
  return model.logsOf(userId).map(({ id: conversationId, members, messages, rev: headRev }) => {
    const { joinedSeq, joinedRev } = members.get(userId)!;
    const head = { seq: messages.length, rev: headRev };
    const confirmed = cursors?.get(conversationId) ?? { seq: joinedSeq, rev: joinedRev };
    const { seq, rev } = cursors ? confirmed : head;
    return { conversationId, seq, rev, headSeq: head.seq, headRev };
  });
}
