import type { AllowReadding } from "../../core/conversations/allow-readding.ts";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import type { LastSeen } from "../../core/ports/last-seen.ts";
import type { OwnState } from "../../core/ports/own-state.ts";
import type { DevicePosition, Position } from "../../core/ports/sync-reads.ts";
import type { MarkAsUnread } from "../../core/private/mark-unread.ts";
import type { ModelStore } from "./model-store.ts";
import { positionsOf } from "./sync-reads.ts";

/** Stores as store/private/own-state.ts does. */
export class ModelOwnState implements OwnState {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async markUnread({
    userId,
    conversationId,
    messageId,
  }: MarkAsUnread): Promise<{ readonly ownRev: number; readonly seq: number } | null> {
    const log = this.#model.logs.get(conversationId);
    const seq = log?.messages.find(({ id }) => id === messageId)?.seq ?? 0;
    const own = this.#model.presentMember(conversationId, userId);
    if (!log || !own || seq <= own.joinedSeq) return null;
    log.unreadFrom.set(userId, seq);
    return { ownRev: this.#model.nextOwnRev(userId), seq };
  }

  async allowReadding({ userId, conversationId }: AllowReadding, nowUs: number): Promise<boolean> {
    const members = this.#model.logs.get(conversationId)?.members;
    const own = members?.get(userId);
    if (!members || !own || own.leftSeq === null || (own.staysOutUntilUs ?? 0) <= nowUs) return false;
    members.set(userId, { ...own, staysOutUntilUs: undefined });
    return true;
  }

  async clearUnread(userId: string, conversationId: string): Promise<{ readonly ownRev: number } | null> {
    const wasUnread = this.#model.logs.get(conversationId)?.unreadFrom.delete(userId) ?? false;
    return wasUnread ? { ownRev: this.#model.nextOwnRev(userId) } : null;
  }
}

/** Stores as store/private/device-cursors.ts does. */
export class ModelDeviceCursors implements DeviceCursors {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async register({ userId, deviceId }: { readonly userId: string; readonly deviceId: string }) {
    const key = `${userId} ${deviceId}`;
    const positions = positionsOf(this.#model, userId, this.#model.devices.get(key));
    const { generation } = this.#model;
    if (this.#model.devices.get(key)?.generation !== generation)
      this.#model.devices.set(key, { generation, cursors: cursorsAt(positions) });
    return positions;
  }

  async save(
    moves: readonly (Position & { readonly userId: string; readonly deviceId: string })[],
  ): Promise<void> {
    for (const { userId, deviceId, conversationId, seq, rev } of moves) {
      const cursors = this.#model.devices.get(`${userId} ${deviceId}`)?.cursors;
      const before = cursors?.get(conversationId) ?? { seq: 0, rev: 0 };
      cursors?.set(conversationId, { seq: Math.max(before.seq, seq), rev: Math.max(before.rev, rev) });
    }
  }
}

function cursorsAt(positions: readonly DevicePosition[]) {
  return new Map(positions.map(({ conversationId, seq, rev }) => [conversationId, { seq, rev }]));
}

/** Stores as store/last-seen.ts does. */
export class ModelLastSeen implements LastSeen {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async save(users: ReadonlyMap<string, number>): Promise<void> {
    const { lastSeenUs } = this.#model;
    for (const [userId, atUs] of users) lastSeenUs.set(userId, Math.max(lastSeenUs.get(userId) ?? 0, atUs));
  }
}
