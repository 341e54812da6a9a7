import { authorize, noSuchConversation } from "../core/authorize.ts";
import type { Clock } from "../core/ports/clock.ts";
import type {
  ActorReads,
  Changes,
  ChangesQuestion,
  Cursor,
  DeviceCursors,
  JoinFacts,
  JoinQuestion,
  Standing,
  UserFacts,
  ViewerReads,
} from "../core/ports/store.ts";
import type { JoinUser } from "../core/queries.ts";
import { isRejection, type Rejection } from "../core/rejection.ts";
import type { Device } from "./cursors.ts";
import { Gather } from "./gather.ts";
import { orUnavailable } from "./or-unavailable.ts";
import { tooManyJoins } from "./refusals.ts";
import { writtenSize } from "./written-size.ts";

const joinsAtOnce = 1_000;
const maxWaitingJoins = 50_000;
/** A longer difference is not sent with a join: the client reads it page by page. */
export const longestResume = 500;
/** Characters of content and metadata: a reply must fit into a socket's send buffer. */
const largestResume = 128 * 1024;
/** What a row of a difference weighs at least, and the most that one read may bring. Characters. */
export const lightestRow = 1_024;
const charactersAtOnce = 2 * 1_024 * 1_024;

/** A joined conversation. `changes` is null when nothing was to be resumed, or could be. */
export interface JoinedConversation {
  readonly facts: JoinFacts;
  readonly changes: Changes | null;
}

/** A joined user. */
export interface JoinedUser {
  readonly generation: number;
  /** What the device had confirmed is of a history that is gone: it starts at the heads, and reads everything afresh. */
  readonly resumed: boolean;
  readonly standings: readonly Standing[];
}

/** What a device says of itself as it joins. */
export interface DeviceWord {
  /** The last seq that it has, by conversation. */
  readonly cursors: ReadonlyMap<string, number>;
  readonly generation: number | null;
}

type Question = JoinQuestion | Omit<JoinUser, "type">;

/**
 * Joins of conversations and of users. They load no actor; those that arrive while a read is in flight share the next one, whatever
 * they join: a device that comes back with nothing missed costs one query, a storm of them a few.
 */
export class Joins {
  readonly #facts: Gather<Question, JoinFacts | UserFacts>;
  readonly #changes: Gather<ChangesQuestion & { readonly weight: number }, Changes>;
  readonly #messages: Pick<ActorReads, "readMessages">;
  readonly #cursors: Pick<DeviceCursors, "register">;
  readonly #settled: (device: Device) => Promise<void> | null;
  readonly #clock: Clock;

  constructor(options: {
    readonly reads: Pick<ViewerReads, "joinFacts" | "changes">;
    readonly messages: Pick<ActorReads, "readMessages">;
    readonly cursors: Pick<DeviceCursors, "register">;
    /** Resolves when what devices have confirmed so far is where a join reads it; null: it is. */
    readonly settled: (device: Device) => Promise<void> | null;
    readonly clock: Clock;
  }) {
    const { reads } = options;
    this.#messages = options.messages;
    this.#cursors = options.cursors;
    this.#settled = options.settled;
    this.#clock = options.clock;
    this.#facts = new Gather({
      read: (questions) => readFacts(reads, questions),
      maxQuestions: joinsAtOnce,
      maxWaiting: maxWaitingJoins,
    });
    this.#changes = new Gather({
      read: (questions) => reads.changes(questions),
      maxQuestions: joinsAtOnce,
      maxWaiting: maxWaitingJoins,
      weigh: ({ weight }) => weight,
      maxWeight: charactersAtOnce,
    });
  }

  /** Facts from a read that began after this call, and the difference since the cursor where it is short enough. */
  async conversation(question: JoinQuestion): Promise<JoinedConversation | Rejection> {
    const facts = (await orUnavailable(this.#facts.ask(question))) as JoinFacts | Rejection | null;
    if (!facts) return tooManyJoins;
    if (isRejection(facts)) return facts;
    const refusal = authorize.join_conversation(facts.membership);
    if (refusal) return refusal;
    if (!question.since || facts.isExpired || !facts.head) return { facts, changes: null };
    if (facts.head.rev === question.since.rev) return { facts, changes: nothingChanged(facts) };
    return this.#resume(question, question.since, facts);
  }

  async #resume(
    question: JoinQuestion,
    since: Cursor,
    facts: JoinFacts,
  ): Promise<JoinedConversation | Rejection> {
    const changes = await this.changes({
      conversationId: question.conversationId,
      viewerId: question.viewerId,
      sinceRev: since.rev,
      sinceSeq: since.seq,
      generation: since.generation,
      limit: longestResume,
      weight: lightestRow * Math.min(longestResume, facts.head!.rev - since.rev),
    });
    if (isRejection(changes)) return changes;
    if (!changes.membership) return noSuchConversation;
    const isWhole = !changes.isExpired && !changes.hasMore && writtenSize(changes.messages) <= largestResume;
    return { facts: { ...facts, head: changes.head }, changes: isWhole ? changes : null };
  }

  /** A page of a difference; `weight` is what it may bring, in characters. */
  async changes(question: ChangesQuestion & { readonly weight: number }): Promise<Changes | Rejection> {
    return (await orUnavailable(this.#changes.ask(question))) ?? tooManyJoins;
  }

  /** From a read that began after this call. A device that was never seen starts at the heads, unless it says itself where it is. */
  async user(question: Omit<JoinUser, "type">, word: DeviceWord | null): Promise<JoinedUser | Rejection> {
    const { deviceId, viewerId } = question;
    const saving = deviceId === null ? null : this.#settled({ userId: viewerId, deviceId });
    if (saving) await saving;
    const facts = await this.userFacts(question);
    if (isRejection(facts)) return facts;
    if (deviceId === null) return { generation: facts.generation, resumed: true, standings: facts.standings };
    const isKnown = facts.deviceGeneration === facts.generation;
    const standings = isKnown ? facts.standings : await this.#register(viewerId, deviceId);
    if (isRejection(standings)) return standings;
    if (!isTrusted(facts, word)) return { generation: facts.generation, resumed: false, standings };
    const said = word ? await this.#asSaid(standings, word) : standings;
    return isRejection(said) ? said : { generation: facts.generation, resumed: true, standings: said };
  }

  /** Where the heads of a user's conversations are, from a read that began after this call. */
  async userFacts(question: Omit<JoinUser, "type">): Promise<UserFacts | Rejection> {
    const facts = (await orUnavailable(this.#facts.ask(question))) as UserFacts | Rejection | null;
    return facts ?? tooManyJoins;
  }

  #register(userId: string, deviceId: string): Promise<readonly Standing[] | Rejection> {
    return orUnavailable(this.#cursors.register({ userId, deviceId }, this.#clock.nowUs()));
  }

  /** The device's own word wins. A message that it names stands for the revision by which it entered the log. */
  async #asSaid(standings: readonly Standing[], word: DeviceWord): Promise<readonly Standing[] | Rejection> {
    const differing = standings.filter(
      ({ conversationId, seq }) => (word.cursors.get(conversationId) ?? seq) !== seq,
    );
    if (differing.length === 0) return standings;
    const places = differing.map(({ conversationId }) => ({
      conversationId,
      seq: word.cursors.get(conversationId)!,
    }));
    const messages = await orUnavailable(this.#messages.readMessages(places));
    if (isRejection(messages)) return messages;
    const revs = new Map(
      places.map((place, index) => [place.conversationId, messages[index]?.createdRev ?? 0]),
    );
    return standings.map((standing) => {
      const rev = revs.get(standing.conversationId);
      if (rev === undefined) return standing;
      return { ...standing, seq: rev === 0 ? 0 : word.cursors.get(standing.conversationId)!, rev };
    });
  }
}

/** What a device confirmed, or says, in a history that is gone is worth nothing. */
function isTrusted({ generation, deviceGeneration }: UserFacts, word: DeviceWord | null): boolean {
  if (deviceGeneration !== null) return deviceGeneration === generation;
  if (!word || word.cursors.size === 0 || generation === 1) return true;
  return word.generation === generation;
}

async function readFacts(
  reads: Pick<ViewerReads, "joinFacts">,
  questions: readonly Question[],
): Promise<readonly (JoinFacts | UserFacts)[]> {
  const conversations = questions.filter((question) => "conversationId" in question);
  const users = questions.filter((question) => "deviceId" in question);
  const found = await reads.joinFacts(conversations, users);
  let conversation = 0;
  let user = 0;
  return questions.map((question) =>
    "conversationId" in question ? found.conversations[conversation++]! : found.users[user++]!,
  );
}

function nothingChanged(facts: JoinFacts): Changes {
  const { conversationId, membership, generation, marks } = facts;
  const head = facts.head!;
  return {
    conversationId,
    membership,
    head,
    isExpired: false,
    generation,
    messages: [],
    members: [],
    conversation: null,
    marks,
    next: { conversationId, seq: head.seq, rev: head.rev },
    hasMore: false,
  };
}
