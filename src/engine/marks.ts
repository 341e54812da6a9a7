import { noSuchConversation } from "../core/authorize.ts";
import type { MemberChanged } from "../core/conversations/member-changed.ts";
import { noSuchMessage } from "../core/messages/edit.ts";
import { type MarkedConversation, type MarkMember, statusChanges } from "../core/messages/marks.ts";
import type { Message } from "../core/messages/message.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { PubSub } from "../core/ports/pubsub.ts";
import type { ActorReads, OwnState, TargetQuestion } from "../core/ports/store.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";
import { BatchLoader } from "./batch-loader.ts";
import { FairTurns } from "./fair-turns.ts";
import type { MarkAnswer } from "./mark-answers.ts";
import type { MarkQueue } from "./mark-queue.ts";
import { orUnavailable } from "./or-unavailable.ts";
import { tooManyMarks, undecidable } from "./refusals.ts";

const lookUpsAtOnce = 500;
/** Users with more than this waiting are looked up apart. */
const lightLookUps = 100;
const maxWaitingLookUps = 20_000;

/** Conversations that are no longer unread: how many are stored at once, and of one user. */
const clearing = { maxAtOnce: 2, maxAtOncePerUser: 1, maxPerUser: 0 };

type PlaceRequest = TargetQuestion & { readonly userId: string };

/** Receipts: what members have received and read, on their way to the store and from there to those who wrote. */
export class Marks {
  readonly #queueOf: (conversationId: string) => MarkQueue;
  readonly #own: OwnState;
  readonly #pubsub: PubSub;
  readonly #observer: Observer;
  readonly #clearing: FairTurns;
  readonly #places: BatchLoader<PlaceRequest, { readonly seq: number | null }>;

  constructor(options: {
    readonly queueOf: (conversationId: string) => MarkQueue;
    readonly reads: Pick<ActorReads, "findSeqs">;
    readonly own: OwnState;
    readonly pubsub: PubSub;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    const { reads } = options;
    this.#queueOf = options.queueOf;
    this.#own = options.own;
    this.#pubsub = options.pubsub;
    this.#observer = options.observer;
    this.#clearing = new FairTurns({ settings: clearing, clock: options.clock });
    this.#places = new BatchLoader({
      load: async (questions) => (await reads.findSeqs(questions)).map((seq) => ({ seq })),
      weigh: () => 1,
      maxWeight: lookUpsAtOnce,
      maxLightWeight: lightLookUps,
      maxRequests: lookUpsAtOnce,
      maxWaiting: maxWaitingLookUps,
      userOf: ({ userId }) => userId,
      identityOf: ({ conversationId, messageId }) => `${conversationId} ${messageId}`,
      clock: options.clock,
    });
  }

  /** Moves a mark, at most to the head. Answered when it is durable, within a second or so; strangers get their refusal. */
  note(mark: MarkMember, answer?: MarkAnswer): void {
    this.#queueOf(mark.conversationId).note(mark, answer);
  }

  /** As `note`, up to a message of which only the id is known. Strangers cannot tell whether there is one. */
  async noteMessage(
    mark: Omit<MarkMember, "type" | "seq"> & { readonly messageId: string },
    answer: MarkAnswer,
  ): Promise<void> {
    const { conversationId, userId, kind, messageId } = mark;
    const place = await this.#placeOf({ conversationId, messageId, userId });
    if (isRejection(place)) return answer(place);
    if (place.seq === null) return answer(noSuchMessage);
    this.note({ type: "mark", conversationId, userId, kind, seq: place.seq }, (refusal, newlyRead) =>
      answer(refusal === noSuchConversation ? noSuchMessage : refusal, newlyRead),
    );
  }

  async #placeOf(request: PlaceRequest): Promise<{ readonly seq: number | null } | Rejection> {
    try {
      return (await orUnavailable(this.#places.load(request))) ?? tooManyMarks;
    } catch (error) {
      this.#observer.bug("looking up the message of a mark", error);
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
      if (!cleared) return;
      if (isRejection(cleared)) throw new Error(cleared.message);
      this.#pubsub.publish({ type: "own", userId, conversationId, ownRev: cleared.ownRev, unreadFrom: null });
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
