import { noSuchConversation } from "../../core/access.ts";
import { noSuchMessage } from "../../core/messages/edit.ts";
import type { MarkMember } from "../../core/messages/marks.ts";
import type { ActorReads, MembershipLookup, SeenTargetLookup } from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Observer } from "../../core/ports/observer.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import type { Registry } from "../conversation/registry.ts";
import { BatchLoader } from "../reads/batch-loader.ts";
import { orUnavailable } from "../reads/or-unavailable.ts";
import { tooManyMarks, undecidable } from "../refusals.ts";
import type { MarkAnswer } from "./mark-answers.ts";

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

/** Where receipts enter: finds out what they are about, and hands them to the owner of the conversation. */
export class Marks {
  readonly #commands: Pick<Registry, "mark">;
  readonly #observer: Pick<Observer, "bug">;
  readonly #places: BatchLoader<SeenTargetLookup, { readonly seq: number | null }>;
  readonly #memberships: BatchLoader<MembershipLookup, { readonly isMember: boolean }>;

  constructor(options: {
    readonly commands: Pick<Registry, "mark">;
    readonly reads: Pick<ActorReads, "findSeqs" | "areMembers">;
    readonly clock: Clock;
    readonly observer: Pick<Observer, "bug">;
  }) {
    const { reads } = options;
    this.#commands = options.commands;
    this.#observer = options.observer;
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

  /** Does what `note` does, for users who may not be members. Strangers are refused by a look-up, as in `noteMessage`. */
  async noteIfMember(mark: MarkMember, answer: MarkAnswer): Promise<void> {
    const { conversationId, userId } = mark;
    const found = await this.#lookUp(this.#memberships.load({ conversationId, userId }));
    if (isRejection(found)) return answer(found);
    if (found.isMember) this.note(mark, answer);
    else answer(noSuchConversation);
  }

  /** Moves a mark of a member, at most to the head. Answered when it is durable, within a second or so. */
  note(mark: MarkMember, answer?: MarkAnswer): void {
    this.#commands.mark(mark, answer);
  }

  /** Does what `note` does, up to a message of which only the id is known. The look-up takes as long for strangers whether the message exists or not. */
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
}
