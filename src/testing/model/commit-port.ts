import type { Contact } from "../../core/conversations/contact.ts";
import type {
  ConversationSettings,
  ConversationState,
  ConversationType,
  Member,
  MemberMarks,
  MemberRecord,
} from "../../core/conversations/conversation.ts";
import type {
  ConversationChanged,
  ConversationDeactivated,
} from "../../core/conversations/conversation-changed.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import { permissionsOf } from "../../core/conversations/permissions.ts";
import type { Event } from "../../core/events.ts";
import type {
  MarkedConversation,
  MarkedMessage,
  MarkKind,
  MarkMove,
  MarkMoved,
} from "../../core/messages/marks.ts";
import type { Message, MessageSent } from "../../core/messages/message.ts";
import { requoted } from "../../core/messages/quote.ts";
import { type KeyUse, RecentKeys } from "../../core/messages/recent-keys.ts";
import type {
  ActorReads,
  ContactsLookup,
  KeyLookup,
  MembershipLookup,
  MessagePlace,
  SeenTargetLookup,
  TargetLookup,
} from "../../core/ports/actor-reads.ts";
import type { AppendOutcome, Batch, Change, CommitPort } from "../../core/ports/commit.ts";
import { shardCount, shardOf } from "../../core/ports/ownership.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Cursor, JoinFacts, JoinRequest, UserFacts } from "../../core/ports/sync-reads.ts";
import type { JoinUser } from "../../core/queries.ts";
import type { Random } from "../builders/random.ts";
import type { VirtualClock } from "../clock.ts";
import { ModelOwnership } from "./ownership.ts";

/** Content with which the model refuses a change for its data. */
export const poison = "poison";

/** A membership as it is stored, with its marks. */
interface StoredMember extends MemberRecord {
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

interface MarkRange {
  readonly userId: string;
  readonly kind: MarkKind;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly atUs: number;
}

interface Log {
  readonly type: ConversationType;
  metadata: string;
  isActive: boolean;
  /** Of the last change of these two, and when. */
  settingsRev: number;
  updatedAtUs: number;
  rev: number;
  membersRev: number;
  /** By seq, from 1. */
  readonly messages: Message[];
  /** Former members too. */
  readonly members: Map<string, StoredMember>;
  /** The use that holds a key, by `keyOf`. */
  readonly keys: Map<string, KeyUse>;
  /** What was stored under each revision. */
  readonly changes: Map<number, readonly Event[]>;
  readonly ranges: MarkRange[];
  /** Who marked the conversation as unread, and from where. */
  readonly unreadFrom: Map<string, number>;
}

/** Of the store, in the model: it is never restored. */
const generation = 1;
const toldMessages = 50;

/** What the database holds, and what its statements do, each at one instant. Faithful to store/append/append.ts and store/reads/actor-reads.ts. */
export class ModelStore {
  readonly logs = new Map<string, Log>();
  readonly epochs = new Float64Array(shardCount);
  /** Batches that no caller may send, in words: a gap or a disorder within one conversation, a row that would be written twice. */
  readonly misuses: string[] = [];
  /** Kept small, so that memories forget and the index has to know. */
  readonly #loadedKeys: number;

  constructor(options: { readonly loadedKeys: number }) {
    this.#loadedKeys = options.loadedKeys;
  }

  create(
    conversationId: string,
    members: ReadonlyMap<string, Member>,
    type: ConversationType = "direct",
  ): void {
    const stored = [...members.values()].map((member) => ({
      ...member,
      rev: 0,
      leftSeq: null,
      leftAtUs: null,
      deliveredSeq: member.joinedSeq,
      readSeq: member.joinedSeq,
    }));
    this.logs.set(conversationId, {
      type,
      metadata: "{}",
      isActive: true,
      settingsRev: 0,
      updatedAtUs: 0,
      rev: 0,
      membersRev: 0,
      messages: [],
      members: new Map(stored.map((member) => [member.userId, member])),
      keys: new Map(),
      changes: new Map(),
      ranges: [],
      unreadFrom: new Map(),
    });
  }

  message(conversationId: string, seq: number): Message | undefined {
    return this.logs.get(conversationId)?.messages[seq - 1];
  }

  has(conversationId: string, messageId: string): boolean {
    return this.logs.get(conversationId)?.messages.some((message) => message.id === messageId) ?? false;
  }

  /** How far a present member has received and read. */
  marksOf(conversationId: string, userId: string): MemberMarks | undefined {
    return this.present(conversationId).find((member) => member.userId === userId);
  }

  present(conversationId: string): StoredMember[] {
    const members = this.logs.get(conversationId)?.members.values() ?? [];
    return [...members].filter((member) => member.leftSeq === null);
  }

  /** Takes shards as another process would. */
  raiseEpochs(shards: Iterable<number>): void {
    for (const shard of shards) this.epochs[shard]!++;
  }

  /** Stores as another owner would: with the next revision, whatever it says of its own. */
  write(conversationId: string, events: readonly Event[]): void {
    const log = this.logs.get(conversationId)!;
    this.#store(log, { rev: log.rev + 1, events });
  }

  append({ changes, marks, atUs }: Batch, epochs: ReadonlyMap<number, number>): AppendOutcome {
    const stale = [...epochs]
      .filter(([shard, epoch]) => this.epochs[shard] !== epoch)
      .map(([shard]) => shard);
    if (stale.length > 0) return { type: "fenced", shards: stale };
    this.#expectOnce(changes, marks);
    const byConversation = Map.groupBy(changes, (change) => change.conversationId);
    const moved = new Set<string>();
    const moving: Change[] = [];
    for (const [id, own] of byConversation) {
      this.#expectContiguous(own);
      if (this.#headOf(id) === own[0]!.rev - 1) moving.push(...own);
      else moved.add(id);
    }
    const refusal = this.#refusalOf(moving);
    if (refusal) return refusal;
    for (const change of moving) {
      const log = this.logs.get(change.conversationId)!;
      this.#store(log, change);
      this.#expectMembers(log, change);
    }
    return { type: "stored", moved, marked: this.#mark(marks, atUs) };
  }

  load(ids: readonly string[]): ConversationState[] {
    return ids.flatMap((id) => {
      const log = this.logs.get(id);
      return log ? [this.#stateOf(id, log)] : [];
    });
  }

  findKeys(questions: readonly KeyLookup[]) {
    return questions.flatMap((question) => {
      const log = this.logs.get(question.conversationId);
      const use = log?.keys.get(keyOf(question));
      return use ? [{ ...question, ...use }] : [];
    });
  }

  findTargets(questions: readonly TargetLookup[]): Message[] {
    return questions.flatMap(({ conversationId, messageId }) => {
      const messages = this.logs.get(conversationId)?.messages ?? [];
      const known = new Map(messages.map((message) => [message.id, message]));
      const message = known.get(messageId);
      return message ? [requoted(message, known)] : [];
    });
  }

  findCreatedRevs(places: readonly MessagePlace[]): (number | null)[] {
    return places.map(({ conversationId, seq }) => this.message(conversationId, seq)?.createdRev ?? null);
  }

  findSeqs(questions: readonly SeenTargetLookup[]): (number | null)[] {
    return questions.map(({ userId, ...question }) => {
      const seq = this.findTargets([question])[0]?.seq ?? 0;
      const own = this.present(question.conversationId).find((member) => member.userId === userId);
      return own && seq > own.joinedSeq ? seq : null;
    });
  }

  findStored(changes: readonly Change[]): boolean[] {
    return changes.map(({ conversationId, rev, events }) => {
      const stored = this.logs.get(conversationId)?.changes.get(rev);
      return stored !== undefined && Bun.deepEquals(stored, events);
    });
  }

  joinFacts({ viewerId, conversationId, since }: JoinRequest): JoinFacts {
    const asked = { viewerId, conversationId, generation, apartIds: [] };
    const log = this.logs.get(conversationId);
    const present = this.present(conversationId);
    const viewer = present.find((member) => member.userId === viewerId);
    if (!log || !viewer)
      return { ...asked, membership: null, conversation: null, head: null, marks: [], isExpired: false };
    return {
      ...asked,
      membership: { role: viewer.role, pending: viewer.pending },
      conversation: settingsOf(conversationId, log),
      head: {
        seq: log.messages.length,
        rev: log.rev,
        membersRev: log.membersRev,
        lastMessageAtUs: log.messages.at(-1)?.sentAtUs ?? null,
      },
      marks: since
        ? present.map(({ userId, deliveredSeq, readSeq }) => ({ userId, deliveredSeq, readSeq }))
        : [],
      isExpired: since !== null && isExpired(since, log, viewer),
    };
  }

  /** Of a device that was never seen. */
  userFacts(userId: string): UserFacts {
    const own = [...this.logs].filter(([id]) => this.marksOf(id, userId));
    const standings = own.map(
      ([
        conversationId,
        {
          rev,
          messages: { length: seq },
        },
      ]) => ({
        conversationId,
        seq,
        rev,
        headSeq: seq,
        headRev: rev,
      }),
    );
    const pending = new Map(
      own.flatMap(([id, { members }]) => {
        const reason = members.get(userId)!.pending;
        return reason ? [[id, reason] as const] : [];
      }),
    );
    return { generation, deviceGeneration: null, standings, pending, apartIds: [] };
  }

  #headOf(id: string): number {
    return this.logs.get(id)?.rev ?? -1;
  }

  #expectContiguous(changes: readonly Change[]): void {
    changes.forEach((change, index) => {
      const isNext = change.rev === changes[0]!.rev + index;
      if (!isNext || change.events.some((event) => event.rev !== change.rev))
        this.misuses.push(`${change.conversationId} at ${change.rev}`);
    });
  }

  /** One statement writes no row twice, and does not see what it inserts. */
  #expectOnce(changes: readonly Change[], marks: readonly MarkMove[]): void {
    const events = changes.flatMap((change) => change.events);
    const written = new Set(events.flatMap((event) => ("member" in event ? [memberKey(event)] : [])));
    for (const { conversationId, userId } of marks) {
      const key = `${conversationId} ${userId}`;
      if (written.has(key)) this.misuses.push(`a mark beside another change of the membership ${key}`);
      written.add(key);
    }
    const inserted = new Set(events.flatMap((event) => (event.type === "message_sent" ? [event.id] : [])));
    for (const event of events)
      if ("message" in event && inserted.has(event.message.id))
        this.misuses.push(`a change of ${event.message.id} in the batch that stores it`);
  }

  /** What a change says of the members is told to whoever listens. */
  #expectMembers(log: Log, { conversationId, rev, members, membersRev }: Change): void {
    const present = [...log.members.values()].filter((member) => member.leftSeq === null);
    const isRight = present.length === members.size && present.every((each) => members.has(each.userId));
    if (!isRight || membersRev !== log.membersRev)
      this.misuses.push(`${conversationId} at ${rev}: members of another revision`);
  }

  /** As a unique index and a column's type would, for the whole statement. */
  #refusalOf(changes: readonly Change[]): AppendOutcome | null {
    const events = changes.flatMap((change) => change.events);
    if (events.some((event) => contentOf(event) === poison))
      return { type: "refused", cause: "data", error: new Error("invalid data") };
    const taken = new Set<string>();
    for (const event of events) {
      if (event.type !== "message_sent" || event.clientRandom === null) continue;
      const key = `${event.conversationId} ${keyOf(event)}`;
      const holder = this.logs.get(event.conversationId)!.keys.get(keyOf(event))?.seq;
      const isFree = holder === undefined || holder === event.releasesKeyOf;
      if (!isFree || taken.has(key))
        return { type: "refused", cause: "duplicate_key", error: new Error("duplicate key") };
      taken.add(key);
    }
    return null;
  }

  #store(log: Log, { rev, events }: Pick<Change, "rev" | "events">): void {
    log.rev = rev;
    log.changes.set(rev, events);
    for (const event of events) {
      switch (event.type) {
        case "message_sent":
          storeSent(log, event);
          break;
        case "message_edited":
        case "message_deleted":
        case "media_attached":
        case "reaction_added":
        case "reaction_removed":
          log.messages[event.message.seq - 1] = event.message;
          break;
        case "conversation_changed":
        case "conversation_deactivated":
          storeSettings(log, event);
          break;
        default:
          storeMember(log, event);
      }
    }
  }

  #mark(marks: readonly MarkMove[], atUs: number): MarkedConversation[] {
    const byConversation = Map.groupBy(marks, (mark) => mark.conversationId);
    return [...byConversation].map(([conversationId, own]) => {
      const log = this.logs.get(conversationId);
      if (!log) return { conversationId, moved: [], members: [], messages: [] };
      const members = this.present(conversationId).map(({ userId, joinedSeq, deliveredSeq, readSeq }) => ({
        userId,
        joinedSeq,
        deliveredSeq,
        readSeq,
      }));
      const moved = own.flatMap((mark) => moveMarks(log, mark, atUs) ?? []);
      return {
        conversationId,
        moved,
        members: moved.length > 0 ? members : [],
        messages: movedOver(log, moved),
      };
    });
  }

  #stateOf(id: string, log: Log): ConversationState {
    const keys = new RecentKeys({ capacity: 16 });
    const uses = [...log.keys.values()].filter(({ seq }) => seq > log.messages.length - this.#loadedKeys);
    for (const use of uses.toSorted((one, other) => one.seq - other.seq)) {
      const { senderId, clientRandom } = log.messages[use.seq - 1]!;
      keys.remember(senderId, clientRandom!, use);
    }
    return {
      id,
      type: log.type,
      isActive: log.isActive,
      members: new Map(this.present(id).map((member) => [member.userId, withoutRecord(member)])),
      keys,
      targets: new Map(),
      contacts: new Map(),
      permissions: permissionsOf(log.metadata),
      metadata: null,
      membersRev: log.membersRev,
      seq: log.messages.length,
      rev: log.rev,
      lastSentAtUs: log.messages.at(-1)?.sentAtUs ?? 0,
    };
  }
}

function storeSent(log: Log, { type: _, releasesKeyOf: __, deviceTag, ...message }: MessageSent): void {
  log.messages.push(message);
  if (message.clientRandom === null) return;
  const { senderId, clientRandom, seq, sentAtUs } = message;
  log.keys.set(keyOf({ senderId, deviceTag, clientRandom }), { deviceTag, seq, sentAtUs });
}

/** The conversation as a viewer sees it. */
export function settingsOf(id: string, { type, metadata, isActive }: Log): ConversationSettings {
  return { id, type, metadata, isActive };
}

function storeSettings(log: Log, event: ConversationChanged | ConversationDeactivated): void {
  log.settingsRev = event.rev;
  log.updatedAtUs = event.atUs;
  if (event.type === "conversation_deactivated") log.isActive = false;
  else Object.assign(log, { metadata: event.conversation.metadata, isActive: event.conversation.isActive });
}

/** Marks that are there never go back; what was there before a member came counts as received and read. */
function storeMember(log: Log, { rev, member }: MemberChanged): void {
  const before = log.members.get(member.userId);
  log.membersRev = rev;
  log.members.set(member.userId, {
    ...member,
    deliveredSeq: Math.max(before?.deliveredSeq ?? 0, member.joinedSeq),
    readSeq: Math.max(before?.readSeq ?? 0, member.joinedSeq),
  });
}

/** Null: not a member. */
function moveMarks(log: Log, { userId, deliveredSeq, readSeq }: MarkMove, atUs: number): MarkMoved | null {
  const before = log.members.get(userId);
  if (!before || before.leftSeq !== null) return null;
  const reached = (from: number, ...wanted: (number | null)[]) =>
    Math.max(from, Math.min(log.messages.length, Math.max(...wanted.map((seq) => seq ?? 0))));
  const [deliveredFrom, readFrom] = [before.deliveredSeq, before.readSeq];
  const deliveredTo = reached(deliveredFrom, deliveredSeq, readSeq);
  const readTo = reached(readFrom, readSeq);
  log.members.set(userId, { ...before, deliveredSeq: deliveredTo, readSeq: readTo });
  const receivedFrom = Math.max(deliveredFrom, readTo);
  if (deliveredTo > receivedFrom)
    log.ranges.push({ userId, kind: "delivered", fromSeq: receivedFrom + 1, toSeq: deliveredTo, atUs });
  if (readTo > readFrom)
    log.ranges.push({ userId, kind: "read", fromSeq: readFrom + 1, toSeq: readTo, atUs });
  const wasUnread = readSeq !== null && (log.unreadFrom.get(userId) ?? Number.POSITIVE_INFINITY) <= readTo;
  return { userId, deliveredFrom, deliveredTo, readFrom, readTo, wasUnread };
}

/** The newest messages from the lowest to the highest seq of all that moved. */
function movedOver(log: Log, moved: readonly MarkMoved[]): MarkedMessage[] {
  const ranges = moved
    .flatMap((move) => [
      { from: move.deliveredFrom, to: move.deliveredTo },
      { from: move.readFrom, to: move.readTo },
    ])
    .filter(({ from, to }) => to > from);
  if (ranges.length === 0) return [];
  const lowest = Math.min(...ranges.map(({ from }) => from));
  const highest = Math.max(...ranges.map(({ to }) => to));
  return log.messages
    .slice(lowest, highest)
    .slice(-toldMessages)
    .reverse()
    .map(({ id, seq, senderId }) => ({ id, seq, senderId }));
}

function isExpired({ rev, generation: of }: Cursor, log: Log, viewer: Member): boolean {
  if (rev === 0) return false;
  return rev > log.rev || rev < viewer.joinedRev || (of !== null && of !== generation);
}

function withoutRecord({ userId, role, joinedAtUs, joinedSeq, joinedRev }: Member): Member {
  return { userId, role, joinedAtUs, joinedSeq, joinedRev };
}

function contentOf(event: Event): string | null {
  if (event.type === "message_sent") return event.content;
  return "message" in event ? event.message.content : null;
}

function memberKey({ conversationId, member }: MemberChanged): string {
  return `${conversationId} ${member.userId}`;
}

function keyOf(held: Pick<MessageSent, "senderId" | "deviceTag" | "clientRandom">): string {
  return `${held.senderId} ${held.deviceTag} ${held.clientRandom}`;
}

/** How likely each misbehaviour is, from 0 to 1. */
export interface Faults {
  /** Fails before it stores, and says so. */
  readonly again: number;
  /** The connection is lost under the batch: before it, after it, or while it is still on its way. */
  readonly lost: number;
  /** Hangs for seconds before its outcome is unknown. */
  readonly hangs: number;
  /** Takes ten times as long. */
  readonly slow: number;
  /** Another process has taken the shards; half of the time it has also written. */
  readonly rival: number;
  /** Reads, probes and take-overs fail. */
  readonly reads: number;
}

export const noFaults: Faults = { again: 0, lost: 0, hangs: 0, slow: 0, rival: 0, reads: 0 };

/** The store as the engine sees it: over a wire that delays, loses and hangs, in virtual time. */
export class MisbehavingStore implements CommitPort, ActorReads {
  readonly ownership: ModelOwnership;
  readonly #model: ModelStore;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #rivalWrites: (conversationId: string) => void;
  faults: Faults;

  constructor(options: {
    readonly model: ModelStore;
    readonly clock: VirtualClock;
    readonly random: Random;
    readonly faults: Faults;
    readonly rivalWrites: (conversationId: string) => void;
  }) {
    this.#model = options.model;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#rivalWrites = options.rivalWrites;
    this.faults = options.faults;
    this.ownership = new ModelOwnership({ store: options.model, ask: (read) => this.#ask(read) });
  }

  async append(batch: Batch, epochOf: (shard: number) => number): Promise<AppendOutcome> {
    const ids = conversationsOf(batch);
    const shards = [...new Set(ids.map(shardOf))];
    const epochs = new Map(shards.map((shard) => [shard, epochOf(shard)]));
    const { random, faults } = { random: this.#random, faults: this.faults };
    if (random.chance(faults.rival)) this.#interfere(ids, shards);
    await this.#travel();
    if (random.chance(faults.again)) return { type: "again", error: new Error("deadlock detected") };
    if (random.chance(faults.lost)) return this.#lose(batch, epochs);
    const outcome = this.#model.append(batch, epochs);
    await this.#travel();
    return outcome;
  }

  async loadConversations(ids: readonly string[]): Promise<readonly ConversationState[]> {
    return this.#ask(() => this.#model.load(ids));
  }

  async findKeys(questions: readonly KeyLookup[]) {
    return this.#ask(() => this.#model.findKeys(questions));
  }

  async findTargets(questions: readonly TargetLookup[]): Promise<readonly Message[]> {
    return this.#ask(() => this.#model.findTargets(questions));
  }

  async findCreatedRevs(places: readonly MessagePlace[]): Promise<readonly (number | null)[]> {
    return this.#ask(() => this.#model.findCreatedRevs(places));
  }

  async findSeqs(questions: readonly SeenTargetLookup[]): Promise<readonly (number | null)[]> {
    return this.#ask(() => this.#model.findSeqs(questions));
  }

  /** Nobody has blocked anybody, or is asked first. */
  async findContacts(questions: readonly ContactsLookup[]): Promise<readonly (readonly Contact[])[]> {
    return this.#ask(() =>
      questions.map(({ conversationId, userIds }) =>
        userIds.map((userId) => ({
          userId,
          hasBlocked: false,
          isBlocked: false,
          isKnown: false,
          staysOutUntilUs: this.#model.logs.get(conversationId)?.members.get(userId)?.staysOutUntilUs ?? null,
        })),
      ),
    );
  }

  async areMembers(questions: readonly MembershipLookup[]): Promise<readonly boolean[]> {
    return this.#ask(() =>
      questions.map(({ conversationId, userId }) =>
        this.#model.present(conversationId).some((member) => member.userId === userId),
      ),
    );
  }

  async readMetadata(conversationIds: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#ask(() => conversationIds.map((id) => this.#model.logs.get(id)?.metadata ?? null));
  }

  async findStored(changes: readonly Change[]): Promise<readonly boolean[]> {
    return this.#ask(() => this.#model.findStored(changes));
  }

  async readMessages(asked: readonly MessagePlace[]): Promise<readonly (Message | null)[]> {
    return this.#ask(() =>
      asked.map((place) => this.#model.message(place.conversationId, place.seq) ?? null),
    );
  }

  async joinFacts(
    conversations: readonly JoinRequest[],
    users: readonly Omit<JoinUser, "type">[],
  ): Promise<{ readonly conversations: readonly JoinFacts[]; readonly users: readonly UserFacts[] }> {
    return this.#ask(() => ({
      conversations: conversations.map((question) => this.#model.joinFacts(question)),
      users: users.map(({ viewerId }) => this.#model.userFacts(viewerId)),
    }));
  }

  /** The batch may arrive now, after its outcome was asked for, or never: what decides is the epoch at that moment. */
  async #lose(batch: Batch, epochs: ReadonlyMap<number, number>): Promise<AppendOutcome> {
    const arrivesInMs = this.#random.pick([0, 1, 40, 400, null]);
    if (arrivesInMs === 0) this.#model.append(batch, epochs);
    else if (arrivesInMs !== null) this.#clock.after(arrivesInMs, () => this.#model.append(batch, epochs));
    await this.#clock.sleep(this.#random.chance(this.faults.hangs) ? 6_000 : this.#random.below(20));
    return { type: "unknown", error: new Error("connection terminated") };
  }

  #interfere(conversationIds: readonly string[], shards: readonly number[]): void {
    this.#model.raiseEpochs(shards);
    if (this.#random.chance(0.5)) this.#rivalWrites(this.#random.pick(conversationIds));
  }

  /** A read: seen at one instant, told later, or not at all. */
  async #ask<T>(read: () => T): Promise<T> {
    await this.#travel();
    if (this.#random.chance(this.faults.reads)) {
      if (this.#random.chance(0.5)) read();
      throw new StoreUnavailable({ cause: new Error("connection terminated") });
    }
    const answer = read();
    await this.#travel();
    return answer;
  }

  #travel(): Promise<void> {
    const longestMs = this.#random.chance(this.faults.slow) ? 100 : 10;
    return this.#clock.sleep(this.#random.below(longestMs));
  }
}

function conversationsOf({ changes, marks }: Batch): string[] {
  const ids = [...changes, ...marks].map(({ conversationId }) => conversationId);
  return [...new Set(ids)];
}
