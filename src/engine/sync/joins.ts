import { noSuchConversation } from "../../core/access.ts";
import { authorize } from "../../core/authorize.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { ActorReads, MessagePlace } from "../../core/ports/actor-reads.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DeviceCursors } from "../../core/ports/device-cursors.ts";
import type {
  Changes,
  ChangesRequest,
  Cursor,
  DevicePosition,
  JoinFacts,
  JoinRequest,
  SyncReads,
  UserFacts,
} from "../../core/ports/sync-reads.ts";
import type { JoinUser } from "../../core/queries.ts";
import { isRejection, type Rejection } from "../../core/rejection.ts";
import { BatchLoader } from "../reads/batch-loader.ts";
import { FairTurns } from "../reads/fair-turns.ts";
import { LearnedWeights } from "../reads/learned-weights.ts";
import { orUnavailable } from "../reads/or-unavailable.ts";
import { tooManyJoins } from "../refusals.ts";
import type { Device } from "./cursors.ts";
import { FactsLoader } from "./facts-loader.ts";
import { bytesOfMember, encodedSizeOf, writtenSize } from "./written-size.ts";

const maxWaitingJoins = 50_000;
/** A longer difference is not sent with a join: the client reads it page by page. */
export const longestResume = 500;
/** Stored bytes that are read for it, and bytes of the difference as JSON: a reply must fit into a socket's send buffer. */
const largestResume = 128 * 1024;
const largestDifference = 288 * 1024;
/** The least that a row of a difference weighs, and the most that one read may bring. Characters. */
export const lightestRow = 1_024;
const charactersAtOnce = 2 * 1_024 * 1_024;
/** The most differences of one read: each may bring a message of 80 kB, whatever it was taken to weigh. */
const differencesAtOnce = 500;
/** The most requests of which one read looks up revisions. */
const revsRequestsAtOnce = 1_000;
/** Users with more than this waiting, in characters, are read apart from all others. */
const lightDifferences = 256 * 1_024;
/** The most messages of which one request looks up the revision, and the most of one read. */
const placesOfRequest = 500;
const placesAtOnce = 5_000;
const lightPlaces = 1_000;

/** A joined conversation. `changes` is null when nothing was to be resumed, or could be. */
export interface JoinedConversation {
  readonly facts: JoinFacts;
  readonly changes: Changes | null;
}

/** A joined user. */
export interface JoinedUser extends Pick<UserFacts, "pending" | "apartIds"> {
  readonly generation: number;
  /** False: the device's cursors are of a history that is gone. It starts at the heads, and reads everything afresh. */
  readonly resumed: boolean;
  readonly standings: readonly DevicePosition[];
}

/** The cursors that a device reports as it joins. */
export interface ReportedCursors {
  /** The last seq that it has, by conversation. */
  readonly cursors: ReadonlyMap<string, number>;
  readonly generation: number | null;
}

/** New devices that are made known at once, and of one user. */
const registrations = { maxAtOnce: 3, maxAtOncePerUser: 1, maxPerUser: 1_000 };

interface RevsRequest {
  readonly userId: string;
  readonly places: readonly MessagePlace[];
}

/**
 * Joins of conversations and of users. They load no actor; those that arrive while a read is in flight share the next one, whatever
 * they join: a device that comes back with nothing missed costs one query, a storm of them a few.
 */
export class Joins {
  readonly #facts: FactsLoader;
  readonly #changes: BatchLoader<ChangesRequest & { readonly weight: number }, Changes>;
  readonly #revs: BatchLoader<RevsRequest, readonly (number | null)[]>;
  readonly #cursors: Pick<DeviceCursors, "register">;
  readonly #registrations: FairTurns;
  readonly #settled: (device: Device) => Promise<void> | null;
  readonly #clock: Clock;
  /** Characters of a message, by conversation. */
  readonly #rowSizes = new LearnedWeights({ initial: lightestRow });

  constructor(options: {
    readonly reads: Pick<SyncReads, "joinFacts" | "changes">;
    readonly messages: Pick<ActorReads, "findCreatedRevs">;
    readonly cursors: Pick<DeviceCursors, "register">;
    /** Resolves when what devices have confirmed so far is where a join reads it; null: it is. */
    readonly settled: (device: Device) => Promise<void> | null;
    readonly clock: Clock;
  }) {
    const { reads, messages, clock } = options;
    this.#cursors = options.cursors;
    this.#settled = options.settled;
    this.#clock = clock;
    this.#facts = new FactsLoader({ reads, clock, maxWaiting: maxWaitingJoins });
    this.#changes = changesLoader(reads, this.#rowSizes, clock);
    this.#revs = revsLoader(messages, clock);
    this.#registrations = new FairTurns({ settings: registrations, clock });
  }

  /** Facts from a read that began after this call, and the difference since the cursor where it is short enough. */
  async conversation(question: JoinRequest): Promise<JoinedConversation | Rejection> {
    const facts = await orUnavailable(this.#facts.conversation(question));
    if (!facts) return tooManyJoins;
    if (isRejection(facts)) return facts;
    const refusal = authorize.join_conversation.refusal(facts.membership);
    if (refusal) return refusal;
    if (!question.since || facts.isExpired || !facts.head) return { facts, changes: null };
    if (facts.head.rev === question.since.rev) return { facts, changes: nothingChanged(facts) };
    return this.#resume(question, question.since, facts);
  }

  async #resume(
    question: JoinRequest,
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
      maxBytes: largestResume,
      weight: Math.min(
        this.#rowSizes.of(question.conversationId) * (facts.head!.rev - since.rev),
        largestResume,
      ),
    });
    if (isRejection(changes)) return changes;
    if (!changes.membership) return noSuchConversation;
    return { facts: { ...facts, head: changes.head }, changes: isShort(changes) ? changes : null };
  }

  /** A page of a difference; `weight` is what it may bring, in characters. */
  async changes(question: ChangesRequest & { readonly weight: number }): Promise<Changes | Rejection> {
    return (await orUnavailable(this.#changes.load(question))) ?? tooManyJoins;
  }

  /** From a read that began after this call. A device that was never seen starts at the heads, unless it says itself where it is. */
  async user(
    question: Omit<JoinUser, "type">,
    word: ReportedCursors | null,
  ): Promise<JoinedUser | Rejection> {
    const { deviceId, viewerId } = question;
    const saving = deviceId === null ? null : this.#settled({ userId: viewerId, deviceId });
    if (saving) await saving;
    const facts = await this.userFacts(question);
    if (isRejection(facts)) return facts;
    const { generation, pending, apartIds } = facts;
    const own = { generation, pending, apartIds };
    if (deviceId === null) return { ...own, resumed: true, standings: facts.standings };
    const isKnown = facts.deviceGeneration === facts.generation;
    const standings = isKnown ? facts.standings : await this.#register(viewerId, deviceId);
    if (isRejection(standings)) return standings;
    if (!isTrusted(facts, word)) return { ...own, resumed: false, standings };
    const said = word ? await this.#asSaid(viewerId, standings, word) : standings;
    return isRejection(said) ? said : { ...own, resumed: true, standings: said };
  }

  /** Where the heads of a user's conversations are, from a read that began after this call. */
  async userFacts(question: Omit<JoinUser, "type">): Promise<UserFacts | Rejection> {
    return (await orUnavailable(this.#facts.user(question))) ?? tooManyJoins;
  }

  #register(userId: string, deviceId: string): Promise<readonly DevicePosition[] | Rejection> {
    const register = () => this.#cursors.register({ userId, deviceId }, this.#clock.nowUs());
    return orUnavailable(this.#registrations.run(userId, register));
  }

  /** The device's own word wins. A message that it names stands for the revision by which it entered the log. */
  async #asSaid(
    userId: string,
    standings: readonly DevicePosition[],
    word: ReportedCursors,
  ): Promise<readonly DevicePosition[] | Rejection> {
    const places = standings
      .filter(({ conversationId, seq }) => (word.cursors.get(conversationId) ?? seq) !== seq)
      .map(({ conversationId }) => ({ conversationId, seq: word.cursors.get(conversationId)! }));
    if (places.length === 0) return standings;
    const found = await this.#createdRevs(userId, places);
    if (isRejection(found)) return found;
    return standings.map((standing) => {
      const rev = found.get(standing.conversationId);
      if (rev === undefined) return standing;
      return { ...standing, seq: rev === 0 ? 0 : word.cursors.get(standing.conversationId)!, rev };
    });
  }

  /** By conversation; 0: there is no such message. */
  async #createdRevs(
    userId: string,
    places: readonly MessagePlace[],
  ): Promise<ReadonlyMap<string, number> | Rejection> {
    const found = new Map<string, number>();
    for (let from = 0; from < places.length; from += placesOfRequest) {
      const some = places.slice(from, from + placesOfRequest);
      const revs = await orUnavailable(this.#revs.load({ userId, places: some }));
      if (!revs) return tooManyJoins;
      if (isRejection(revs)) return revs;
      some.forEach(({ conversationId }, index) => {
        found.set(conversationId, revs[index] ?? 0);
      });
    }
    return found;
  }
}

function changesLoader(reads: Pick<SyncReads, "changes">, rowSizes: LearnedWeights, clock: Clock) {
  return new BatchLoader<ChangesRequest & { readonly weight: number }, Changes>({
    async load(questions) {
      const all = await reads.changes(questions);
      for (const { conversationId, messages } of all)
        if (messages.length > 0) rowSizes.learn(conversationId, rowSizeOf(messages));
      return all;
    },
    weigh: ({ weight }) => weight,
    maxWeight: charactersAtOnce,
    maxLightWeight: lightDifferences,
    maxRequests: differencesAtOnce,
    maxWaiting: maxWaitingJoins,
    userOf: ({ viewerId }) => viewerId ?? "",
    identityOf: ({ viewerId, conversationId }) => `${viewerId} ${conversationId}`,
    clock,
  });
}

/** Whether the whole difference may be sent with a join. */
function isShort({ isExpired, hasMore, messages, members }: Changes): boolean {
  if (isExpired || hasMore || writtenSize(messages) > largestResume) return false;
  return encodedSizeOf(messages) + bytesOfMember * members.length <= largestDifference;
}

/** Returns the characters of a message on average, and at least what any row weighs. */
function rowSizeOf(messages: readonly SeenMessage[]): number {
  return Math.max(lightestRow, writtenSize(messages) / Math.max(1, messages.length));
}

function revsLoader(messages: Pick<ActorReads, "findCreatedRevs">, clock: Clock) {
  return new BatchLoader<RevsRequest, readonly (number | null)[]>({
    load: async (requests) => {
      const revs = await messages.findCreatedRevs(requests.flatMap(({ places }) => places));
      let end = 0;
      return requests.map(({ places }) => {
        end += places.length;
        return revs.slice(end - places.length, end);
      });
    },
    weigh: ({ places }) => places.length,
    maxWeight: placesAtOnce,
    maxLightWeight: lightPlaces,
    maxRequests: revsRequestsAtOnce,
    maxWaiting: maxWaitingJoins,
    userOf: ({ userId }) => userId,
    clock,
  });
}

/** Whether cursors are of the present history: those of another one are worth nothing. */
function isTrusted({ generation, deviceGeneration }: UserFacts, word: ReportedCursors | null): boolean {
  if (deviceGeneration !== null) return deviceGeneration === generation;
  if (!word || word.cursors.size === 0 || generation === 1) return true;
  return word.generation === generation;
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
