import type { Clock } from "../../core/ports/clock.ts";
import type { JoinFacts, JoinRequest, SyncReads, UserFacts } from "../../core/ports/sync-reads.ts";
import type { JoinUser } from "../../core/queries.ts";
import { BatchLoader } from "../reads/batch-loader.ts";
import { LearnedWeights } from "../reads/learned-weights.ts";

type UserQuestion = Omit<JoinUser, "type">;
type Question = JoinRequest | UserQuestion;

/** The most joins of one read, and the most rows that they may look up. */
const joinsAtOnce = 1_000;
const rowsAtOnce = 10_000;
/** Users with more rows than this waiting are read apart: 100 conversations joined at once, or a user with 150 of them. */
const lightRows = 300;
/** The rows that a conversation costs: the membership, its settings and its head. */
const rowsOfConversation = 3;
/** For each conversation of a user: the head, and what the device has confirmed. */
const rowsOfStanding = 2;

/**
 * Loads what joins need to know, of conversations and of users in the same reads: a device that comes back with nothing
 * missed costs one query. At most one join of `user:<id>` is read per user at a time; those of one device share it.
 */
export class FactsLoader {
  readonly #loader: BatchLoader<Question, JoinFacts | UserFacts>;
  /** Conversations by user. */
  readonly #standings = new LearnedWeights({ initial: 50 });
  /** Members by conversation, whose marks come with a cursor. */
  readonly #marks = new LearnedWeights({ initial: 2 });

  constructor(options: {
    readonly reads: Pick<SyncReads, "joinFacts">;
    readonly clock: Clock;
    readonly maxWaiting: number;
  }) {
    const { reads, clock, maxWaiting } = options;
    this.#loader = new BatchLoader({
      load: (questions) => this.#read(reads, questions),
      weigh: (question) => this.#weightOf(question),
      maxWeight: rowsAtOnce,
      maxLightWeight: lightRows,
      maxRequests: joinsAtOnce,
      maxWaiting,
      userOf: ({ viewerId }) => viewerId,
      keyOf: (question) => (isOfUser(question) ? deviceKey(question) : null),
      identityOf: (question) =>
        isOfUser(question) ? deviceKey(question) : `${question.viewerId} ${question.conversationId}`,
      clock,
    });
  }

  /** Null: too many joins wait. */
  conversation(question: JoinRequest): Promise<JoinFacts | null> {
    return this.#loader.load(question) as Promise<JoinFacts | null>;
  }

  /** Null: too many joins wait. */
  user({ viewerId, deviceId }: UserQuestion): Promise<UserFacts | null> {
    return this.#loader.load({ viewerId, deviceId }) as Promise<UserFacts | null>;
  }

  #weightOf(question: Question): number {
    if (isOfUser(question)) return 1 + rowsOfStanding * this.#standings.of(question.viewerId);
    return rowsOfConversation + (question.since ? this.#marks.of(question.conversationId) : 0);
  }

  async #read(
    reads: Pick<SyncReads, "joinFacts">,
    questions: readonly Question[],
  ): Promise<readonly (JoinFacts | UserFacts)[]> {
    const conversations = questions.filter((question) => "conversationId" in question);
    const users = questions.filter(isOfUser);
    const found = await reads.joinFacts(conversations, users);
    for (const facts of found.conversations)
      if (facts.marks.length > 0) this.#marks.learn(facts.conversationId, facts.marks.length);
    users.forEach(({ viewerId }, index) => {
      this.#standings.learn(viewerId, found.users[index]!.standings.length);
    });
    let conversation = 0;
    let user = 0;
    return questions.map((question) =>
      isOfUser(question) ? found.users[user++]! : found.conversations[conversation++]!,
    );
  }
}

function isOfUser(question: Question): question is UserQuestion {
  return !("conversationId" in question);
}

/** Ids are of one length, so no device id can make two users' keys alike. */
function deviceKey({ viewerId, deviceId }: UserQuestion): string {
  return deviceId === null ? viewerId : `${viewerId} ${deviceId}`;
}
