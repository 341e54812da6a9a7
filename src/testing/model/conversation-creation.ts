import type { Member, Pending } from "../../core/conversations/conversation.ts";
import type { CreateConversation, CreateDirect, CreateGroup } from "../../core/conversations/create.ts";
import type {
  ConversationCreation,
  CreatedDirect,
  CreatedGroup,
} from "../../core/ports/conversation-creation.ts";
import { type Log, newLog } from "./log.ts";
import type { ModelStore } from "./model-store.ts";

/** Creates as store/conversation-creation.ts does. */
export class ModelConversationCreation implements ConversationCreation {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async createDirect(command: CreateDirect): Promise<CreatedDirect> {
    const { id, creatorId, otherUserId, atUs } = command;
    if (this.#model.hasBlocked(creatorId, otherUserId)) return { type: "blocked", by: "creator" };
    if (this.#model.hasBlocked(otherUserId, creatorId)) return { type: "blocked", by: "other" };
    const { lowId, highId } = this.#model.pairOf(creatorId, otherUserId);
    const known = this.#direct(lowId, highId);
    if (known) return { type: "exists", conversationId: known.id, created: false, askedIds: [] };
    const members = this.#membersOf(command, [otherUserId]);
    const pair = [lowId, highId] as const;
    this.#model.logs.set(id, newLog({ id, type: "direct", pair, createdAtUs: atUs, members }));
    return { type: "exists", conversationId: id, created: true, askedIds: askedOf(members) };
  }

  async createGroup(command: CreateGroup): Promise<CreatedGroup> {
    const { id, creatorId, otherUserIds, metadata, atUs } = command;
    if (this.#model.logs.has(id)) return { type: "exists", created: false, askedIds: [] };
    const blocked = otherUserIds.filter((userId) => this.#model.hasBlocked(creatorId, userId));
    if (blocked.length > 0) return { type: "blocked", by: "creator", userIds: blocked };
    const blockers = otherUserIds.filter((userId) => this.#model.hasBlocked(userId, creatorId));
    if (blockers.length > 0) return { type: "blocked", by: "others", userIds: blockers };
    const members = this.#membersOf(command, otherUserIds);
    this.#model.logs.set(id, newLog({ id, type: "group", metadata, createdAtUs: atUs, members }));
    return { type: "exists", created: true, askedIds: askedOf(members) };
  }

  #direct(lowId: string, highId: string): Log | undefined {
    return [...this.#model.logs.values()].find(({ pair }) => pair?.[0] === lowId && pair[1] === highId);
  }

  #membersOf({ creatorId, atUs, asksFirst }: CreateConversation, otherIds: readonly string[]): Member[] {
    const begun = { joinedAtUs: atUs, joinedSeq: 0, joinedRev: 0 };
    const pendingOf = (userId: string): Pending =>
      asksFirst && !this.#model.isKnown(creatorId, userId) ? "request" : "added";
    return [
      { userId: creatorId, role: "owner", ...begun },
      ...otherIds.map((userId) => ({
        userId,
        role: "member" as const,
        pending: pendingOf(userId),
        ...begun,
      })),
    ];
  }
}

function askedOf(members: readonly Member[]): string[] {
  return members.filter(({ pending }) => pending === "request").map(({ userId }) => userId);
}
