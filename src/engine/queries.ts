import { authorize } from "../core/authorize.ts";
import type { AllowReadding } from "../core/conversations/allow-readding.ts";
import { noSuchUser, youBlocked } from "../core/conversations/blocks.ts";
import { noSuchUsers, youBlockedSome } from "../core/conversations/contacts.ts";
import {
  type CreateConversation,
  type CreateDirect,
  type CreateGroup,
  checkCreateDirect,
  checkCreateGroup,
  differsFromGroup,
} from "../core/conversations/create.ts";
import type { Charge } from "../core/limits/charge.ts";
import { noSuchMessage } from "../core/messages/edit.ts";
import type { Message } from "../core/messages/message.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ConversationCreation } from "../core/ports/conversation-creation.ts";
import type { OwnState } from "../core/ports/own-state.ts";
import type { PubSub } from "../core/ports/pubsub.ts";
import type { Changes, SyncReads } from "../core/ports/sync-reads.ts";
import type {
  ConversationSummary,
  HistoryPage,
  Recipient,
  SeenMember,
  ViewerReads,
} from "../core/ports/viewer-reads.ts";
import type { MarkAsUnread } from "../core/private/mark-unread.ts";
import type {
  ListConversations,
  ListMembers,
  ReadChanges,
  ReadHistory,
  ShowConversation,
  ShowDeliveryStatus,
  ShowMessage,
} from "../core/queries.ts";
import { isRejection, type Rejection, reject } from "../core/rejection.ts";
import type { LastSeen } from "./last-seen.ts";
import type { FairTurns } from "./reads/fair-turns.ts";
import { orUnavailable } from "./reads/or-unavailable.ts";
import { type ConversationList, pageOfChanges, pageOfHistory, pageOfList } from "./reads/pages.ts";

export interface CreatedGroup {
  readonly summary: ConversationSummary;
  /** False: it was created before, under the same key. */
  readonly created: boolean;
  /** It is not, or no longer, as this call would have created it. */
  readonly differs: boolean;
}

export type CreatedDirect =
  | { readonly summary: ConversationSummary; readonly created: boolean; readonly hasDeclined: false }
  | { readonly conversationId: string; readonly hasDeclined: true };

/**
 * The reads of viewers, and the creation of conversations: straight to the store, no actor involved. Users are served in
 * turn, few requests of each at once. Throws only for bugs.
 */
export class Queries {
  readonly #turns: FairTurns;
  readonly #reads: ViewerReads;
  readonly #syncReads: Pick<SyncReads, "changes">;
  readonly #creation: ConversationCreation;
  readonly #own: OwnState;
  readonly #pubsub: PubSub;
  readonly #lastSeen: Pick<LastSeen, "recent">;
  readonly #clock: Clock;

  constructor(options: {
    readonly turns: FairTurns;
    readonly lastSeen: Pick<LastSeen, "recent">;
    readonly reads: ViewerReads;
    readonly syncReads: Pick<SyncReads, "changes">;
    readonly creation: ConversationCreation;
    readonly own: OwnState;
    readonly pubsub: PubSub;
    readonly clock: Clock;
  }) {
    this.#turns = options.turns;
    this.#reads = options.reads;
    this.#syncReads = options.syncReads;
    this.#lastSeen = options.lastSeen;
    this.#creation = options.creation;
    this.#own = options.own;
    this.#pubsub = options.pubsub;
    this.#clock = options.clock;
  }

  /** Asks the store for a user, in their turn. Returns its answer, or a refusal. */
  #inTurn<T>(userId: string, ask: () => Promise<T>): Promise<T | Rejection> {
    return orUnavailable(this.#turns.run(userId, ask));
  }

  async list(query: ListConversations): Promise<ConversationList | Rejection> {
    const list = await this.#inTurn(query.viewerId, () => this.#reads.listConversations(query));
    return isRejection(list) ? list : pageOfList(list);
  }

  async show({ viewerId, conversationId }: ShowConversation): Promise<ConversationSummary | Rejection> {
    const found = await this.#inTurn(viewerId, () => this.#reads.showConversation(viewerId, conversationId));
    if (isRejection(found)) return found;
    return authorize.show_conversation.refusal(found.membership) ?? found.summary!;
  }

  /** Returns the present members, each with the time at which they were last online. */
  async members(query: ListMembers): Promise<readonly SeenMember[] | Rejection> {
    const found = await this.#inTurn(query.viewerId, () => this.#reads.listMembers(query));
    if (isRejection(found)) return found;
    const refusal = authorize.list_members.refusal(found.membership);
    return refusal ?? found.members.map((member) => this.#withRecent(member));
  }

  #withRecent(member: SeenMember): SeenMember {
    const recentUs = this.#lastSeen.recent(member.userId);
    return recentUs === null ? member : { ...member, lastSeenAtUs: recentUs };
  }

  async history(query: ReadHistory): Promise<HistoryPage | Rejection> {
    const page = await this.#inTurn(query.viewerId, () => this.#reads.readHistory(query));
    if (isRejection(page)) return page;
    return authorize.read_history.refusal(page.membership) ?? pageOfHistory(page, query);
  }

  /** Returns the requested part of a message. The answer is the same if the message does not exist and if the viewer may not see it. */
  async message({ viewerId, messageId, part }: ShowMessage): Promise<Message | Rejection> {
    const found = await this.#inTurn(viewerId, () => this.#reads.showMessage(viewerId, messageId, part));
    if (!found) return noSuchMessage;
    if (isRejection(found)) return found;
    return authorize.show_message.refusal(found.membership) ? noSuchMessage : found.message;
  }

  /** Returns who has received and read a message. The answer is the same if it does not exist and if the viewer may not see it. */
  async deliveryStatus({
    viewerId,
    messageId,
  }: ShowDeliveryStatus): Promise<readonly Recipient[] | Rejection> {
    const found = await this.#inTurn(viewerId, () => this.#reads.showDeliveryStatus(viewerId, messageId));
    if (!found) return noSuchMessage;
    if (isRejection(found)) return found;
    return authorize.show_delivery_status.refusal(found.membership) ? noSuchMessage : found.recipients;
  }

  /** Returns a page of the changes since a cursor, or `cursor_expired`. */
  async changes(query: ReadChanges): Promise<Changes | Rejection> {
    const { viewerId, conversationId, sinceRev, generation, limit } = query;
    const asked = { viewerId, conversationId, sinceRev, generation, limit, sinceSeq: null };
    const answers = await this.#inTurn(viewerId, () => this.#syncReads.changes([asked]));
    if (isRejection(answers)) return answers;
    const found = answers[0]!;
    const refusal = authorize.read_changes.refusal(found.membership);
    if (refusal) return refusal;
    return found.isExpired ? cursorExpired : pageOfChanges(found, sinceRev);
  }

  async markUnread(
    command: MarkAsUnread,
  ): Promise<{ readonly ownRev: number; readonly seq: number } | Rejection> {
    const marked = await this.#inTurn(command.userId, () => this.#own.markUnread(command));
    return marked ?? noSuchMessage;
  }

  /** Gives strangers, members and removed members the same answer. */
  async allowReadding(command: AllowReadding): Promise<Rejection | null> {
    const allow = () => this.#own.allowReadding(command, this.#clock.nowUs());
    const allowed = await this.#inTurn(command.userId, allow);
    if (typeof allowed !== "boolean") return allowed;
    return allowed ? null : notLeft;
  }

  /** Creates a group once, for any number of requests under its id. */
  async createGroup(command: CreateGroup, charge: Charge): Promise<CreatedGroup | Rejection> {
    const refusal = checkCreateGroup(command) ?? charge.settleCreation(command, command.otherUserIds);
    if (refusal) return refusal;
    const made = await this.#inTurn(command.creatorId, () => this.#creation.createGroup(command));
    if (isRejection(made) || made.type === "blocked" || !made.created) charge.settleCreation(command, []);
    if (isRejection(made)) return made;
    if (made.type === "blocked")
      return made.by === "creator" ? youBlockedSome(made.userIds) : noSuchUsers(made.userIds);
    const { created, askedIds } = made;
    if (created) this.#tellCreated(command, command.otherUserIds, askedIds);
    const summary = await this.#created(command, command.id);
    if (isRejection(summary)) return !created && summary.code === "not_found" ? keyUsed : summary;
    return { summary, created, differs: !created && differsFromGroup(command, summary.conversation) };
  }

  #tellCreated(
    { id, creatorId }: CreateConversation,
    otherIds: readonly string[],
    askedIds: readonly string[],
  ): void {
    this.#pubsub.publish({ type: "created", conversationId: id, creatorId, otherIds, askedIds });
  }

  #created(
    { creatorId }: CreateConversation,
    conversationId: string,
  ): Promise<ConversationSummary | Rejection> {
    return this.show({ type: "show_conversation", viewerId: creatorId, conversationId });
  }

  /** Creates or finds the one conversation of a pair. `hasDeclined`: it exists, and the creator is no longer a member of it. */
  async createDirect(command: CreateDirect, charge: Charge): Promise<CreatedDirect | Rejection> {
    const refusal = checkCreateDirect(command) ?? charge.settleCreation(command, [command.otherUserId]);
    if (refusal) return refusal;
    const made = await this.#inTurn(command.creatorId, () => this.#creation.createDirect(command));
    if (isRejection(made) || made.type === "blocked" || !made.created) charge.settleCreation(command, []);
    if (isRejection(made)) return made;
    if (made.type === "blocked") return made.by === "creator" ? youBlocked : noSuchUser;
    const { conversationId, created, askedIds } = made;
    if (created) this.#tellCreated(command, [command.otherUserId], askedIds);
    const summary = await this.#created(command, conversationId);
    if (!isRejection(summary)) return { summary, created, hasDeclined: false };
    return summary.code === "not_found" ? { conversationId, hasDeclined: true } : summary;
  }
}

const notLeft = reject(
  "not_found",
  "There is no such conversation, or you did not leave it by yourself within the last 24 h.",
);
const keyUsed = reject(
  "conflict",
  "You created a group under this key before and are not a member of it any more. Use another key.",
);
const cursorExpired = reject(
  "cursor_expired",
  "The changes since this revision are not known any more. Read the conversation and its history afresh.",
);
