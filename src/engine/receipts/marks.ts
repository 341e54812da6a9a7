import { noSuchConversation } from "../../core/authorize.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { noSuchMessage } from "../../core/messages/edit.ts";
import { type MarkedConversation, type MarkMember, statusChanges } from "../../core/messages/marks.ts";
import type { Message } from "../../core/messages/message.ts";
import type { ActorReads, MembershipLookup, SeenTargetLookup } from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { OwnState } from "../../core/ports/own-state.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { BatchLoader } from "../reads/batch-loader.ts";
import { FairTurns } from "../reads/fair-turns.ts";
import { orUnavailable } from "../reads/or-unavailable.ts";
import { tooManyMarks, undecidable } from "../refusals.ts";
import type { MarkAnswer } from "./mark-answers.ts";
import type { MarkQueue } from "./mark-queue.ts";

const lookUpsAtOnce = 500;
/** Reads of small rows, for users in turn. */
const lookUps = {
  weigh: () => 1,
  maxWeight: lookUpsAtOnce,
  /** Users with more than this waiting are looked up apart. */
  maxLightWeight: 100,
  maxRequests: lookUpsAtOnce,
  maxWaiting: 20_000,
  userOf: ({ userId }: { readonly userId: string }) => userId,
};

/** Conversations that are no longer unread: how many are stored at once, and of one user. */
const clearing = { maxAtOnce: 2, maxAtOncePerUser: 1, maxPerUser: 0 };

/** Receipts: what members have received and read, on their way to the store and from there to those who wrote. */
export class Marks {
  readonly #queueOf: (conversationId: string) => MarkQueue;
  readonly #own: OwnState;
  readonly #pubsub: Pick<PubSub, "publish">;
  readonly #observer: Observer;
  readonly #clearing: FairTurns;
  readonly #places: BatchLoader<SeenTargetLookup, { readonly seq: number | null }>;
  readonly #memberships: BatchLoader<MembershipLookup, { readonly isMember: boolean }>;

  constructor(options: {
    readonly queueOf: (conversationId: string) => MarkQueue;
    readonly reads: Pick<ActorReads, "findSeqs" | "areMembers">;
    readonly own: OwnState;
    readonly pubsub: Pick<PubSub, "publish">;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    const { reads } = options;
    this.#queueOf = options.queueOf;
    this.#own = options.own;
    this.#pubsub = options.pubsub;
    this.#observer = options.observer;
    this.#clearing = new FairTurns({ settings: clearing, clock: options.clock });
    const shared = { ...lookUps, clock: options.clock };
    this.#places = new BatchLoader<SeenTargetLookup, { readonly seq: number | null }>({
      ...shared,
      load: async (questions) => (await reads.findSeqs(questions)).map((seq) => ({ seq })),
      identityOf: ({ conversationId, messageId, userId }) => `${conversationId} ${messageId} ${userId}`,
    });
    this.#memberships = new BatchLoader<MembershipLookup, { readonly isMember: boolean }>({
      ...shared,
      load: async (questions) => (await reads.areMembers(questions)).map((isMember) => ({ isMember })),
      identityOf: ({ conversationId, userId }) => `${conversationId} ${userId}`,
    });
  }

  /** As `note`, for somebody who may not be a member. Strangers are refused by a look-up, as in `noteMessage`. */
  async noteIfMember(mark: MarkMember, answer: MarkAnswer): Promise<void> {
    const { conversationId, userId } = mark;
    const found = await this.#lookUp(this.#memberships.load({ conversationId, userId }));
    if (isRejection(found)) return answer(found);
    if (found.isMember) this.note(mark, answer);
    else answer(noSuchConversation);
  }

  /** Moves a mark of a member, at most to the head. Answered when it is durable, within a second or so. */
  note(mark: MarkMember, answer?: MarkAnswer): void {
    this.#queueOf(mark.conversationId).note(mark, answer);
  }

  /** As `note`, up to a message of which only the id is known. The look-up takes as long for strangers whether the message exists or not. */
  async noteMessage(
    mark: Omit<MarkMember, "type" | "seq"> & { readonly messageId: string },
    answer: MarkAnswer,
  ): Promise<void> {
    const { conversationId, userId, kind, messageId } = mark;
    const place = await this.#lookUp(this.#places.load({ conversationId, messageId, userId }));
    if (isRejection(place)) return answer(place);
    if (place.seq === null) return answer(noSuchMessage);
    this.note({ type: "mark", conversationId, userId, kind, seq: place.seq }, (refusal, newlyRead) =>
      answer(refusal === noSuchConversation ? noSuchMessage : refusal, newlyRead),
    );
  }

  async #lookUp<T extends object>(looking: Promise<T | null>): Promise<T | Rejection> {
    try {
      return (await orUnavailable(looking)) ?? tooManyMarks;
    } catch (error) {
      this.#observer.bug("looking up what a mark is about", error);
      return undecidable;
    }
  }

  /** A message was stored: its sender has read what was there. */
  sent({ conversationId, senderId, seq }: Message): void {
    this.#queueOf(conversationId).note({ type: "mark", conversationId, userId: senderId, kind: "read", seq });
  }

  /** It was stored that a member is none any more. */
  left({ conversationId, member }: MemberChanged): void {
    this.#queueOf(conversationId).left(conversationId, member.userId);
  }

  /** Marks became durable: tells those who wrote what they moved over, and who still are members. */
  marked(conversations: readonly MarkedConversation[], atUs: number): void {
    for (const each of conversations) {
      const { conversationId } = each;
      const present = new Set(each.members.map(({ userId }) => userId));
      const marked = { ...each, messages: each.messages.filter(({ senderId }) => present.has(senderId)) };
      const moved = marked.moved.filter(hasMoved);
      const statuses = moved.length > 0 ? statusChanges(marked) : [];
      if (moved.length > 0)
        this.#pubsub.publish({
          type: "marks",
          conversationId,
          atUs,
          moved,
          messages: marked.messages,
          statuses,
          lastJoinedSeq: Math.max(0, ...each.members.map(({ joinedSeq }) => joinedSeq)),
        });
      for (const move of marked.moved)
        if (move.wasUnread) void this.#clearUnread(move.userId, conversationId);
    }
  }

  /** Something was read since it was marked as unread. */
  async #clearUnread(userId: string, conversationId: string): Promise<void> {
    try {
      const clear = () => this.#own.clearUnread(userId, conversationId);
      const cleared = await this.#clearing.run(userId, clear);
      if (cleared && isRejection(cleared)) throw new Error(cleared.message);
    } catch (error) {
      this.#observer.warn("unread_not_cleared", { reason: String(error) });
    }
  }
}

function hasMoved({
  deliveredFrom,
  deliveredTo,
  readFrom,
  readTo,
}: MarkedConversation["moved"][number]): boolean {
  return deliveredTo > deliveredFrom || readTo > readFrom;
}
