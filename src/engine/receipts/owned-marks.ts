import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { type MarkedConversation, type MarkMember, statusChanges } from "../../core/messages/marks.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { OwnState } from "../../core/ports/own-state.ts";
import type { PubSub } from "../../core/ports/pubsub.ts";
import { isRejection } from "../../core/rejection.ts";
import { FairTurns } from "../reads/fair-turns.ts";
import type { MarkAnswer } from "./mark-answers.ts";
import type { MarkQueue } from "./mark-queue.ts";

/** Conversations that are no longer unread: how many are stored at once, and of one user. */
const clearing = { maxAtOnce: 2, maxAtOncePerUser: 1, maxPerUser: 0 };

/** Marks of the conversations that this node owns: on their way to the store, and from there to those who wrote. */
export class OwnedMarks {
  readonly #queueOf: (conversationId: string) => MarkQueue;
  readonly #own: Pick<OwnState, "clearUnread">;
  readonly #pubsub: Pick<PubSub, "publish">;
  readonly #observer: Observer;
  readonly #clearing: FairTurns;

  constructor(options: {
    readonly queueOf: (conversationId: string) => MarkQueue;
    readonly own: Pick<OwnState, "clearUnread">;
    readonly pubsub: Pick<PubSub, "publish">;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    this.#queueOf = options.queueOf;
    this.#own = options.own;
    this.#pubsub = options.pubsub;
    this.#observer = options.observer;
    this.#clearing = new FairTurns({ settings: clearing, clock: options.clock });
  }

  /** Moves a mark of a member, at most to the head. Answered when it is durable, within a second or so. */
  note(mark: MarkMember, answer?: MarkAnswer): void {
    this.#queueOf(mark.conversationId).note(mark, answer);
  }

  /** A message was stored: its sender has read what was there. */
  sent({ conversationId, senderId, seq }: Message): void {
    this.#queueOf(conversationId).note({ type: "mark", conversationId, userId: senderId, kind: "read", seq });
  }

  /** A member marked the conversation as unread. */
  markedUnread(userId: string, conversationId: string): void {
    this.#queueOf(conversationId).markedUnread(conversationId, userId);
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
