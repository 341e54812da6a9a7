import type { Member, MemberRecord } from "../core/conversations/conversation.ts";
import type { MemberChanged } from "../core/conversations/member-changed.ts";
import type { Event } from "../core/events.ts";
import type { Message } from "../core/messages/message.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { ChangeFrame } from "../core/ports/pubsub.ts";
import type { Changes, ViewerReads } from "../core/ports/store.ts";

/** The most conversations of which it is known what was told last; the one that was heard of first is forgotten. */
const maxKnown = 200_000;
/** The most frames that wait for a hole to be read; beyond it they are dropped, and read as well. */
const maxWaiting = 1_000;
const pageRows = 500;
const retryPauseMs = 200;
/** How long a join waits for what it was answered with; the outcome of a commit can stay unknown for longer. */
const longestWaitMs = 2_000;

interface Known {
  rev: number;
  membersRev: number;
  /** Null: there is no hole. */
  repair: Repair | null;
  /** Joins that were answered with what is not told yet. */
  waiters: readonly Waiter[];
}

interface Waiter {
  readonly rev: number;
  readonly go: () => void;
}

/** A hole that is being read. */
interface Repair {
  /** Frames that wait for it. */
  waiting: ChangeFrame[];
  /** Some were dropped since the read began. */
  isIncomplete: boolean;
  /** The newest members that are known. */
  members: ReadonlyMap<string, Member>;
}

/**
 * What this node forwards of a conversation: in the order of revisions, each once, without a hole. A frame that shows a hole waits until the
 * store has told what was missed; one that brings other members is preceded by `membersChanged`.
 */
export class Delivery {
  readonly #reads: Pick<ViewerReads, "changes">;
  readonly #tell: (frame: ChangeFrame, isLate: boolean) => void;
  readonly #membersChanged: (conversationId: string, members: ReadonlyMap<string, Member>) => void;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #known = new Map<string, Known>();

  constructor(options: {
    readonly reads: Pick<ViewerReads, "changes">;
    /** Late: meanwhile others may have become members, who are not to hear of it. */
    readonly tell: (frame: ChangeFrame, isLate: boolean) => void;
    /** Who is not among them hears nothing from here on. */
    readonly membersChanged: (conversationId: string, members: ReadonlyMap<string, Member>) => void;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    this.#reads = options.reads;
    this.#tell = options.tell;
    this.#membersChanged = options.membersChanged;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** A join was answered at this revision: what comes next must follow it. */
  joined(conversationId: string, rev: number): void {
    if (!this.#known.has(conversationId)) this.#remember(conversationId, rev, -1);
  }

  /**
   * Null, or what resolves when everything up to this revision was told here, or at the latest after two seconds: a read can see a commit
   * before its owner tells of it, and what a join was answered with must not come again after it.
   */
  reached(conversationId: string, rev: number): Promise<void> | null {
    const known = this.#known.get(conversationId);
    if (!known || known.rev >= rev) return null;
    return new Promise((resolve) => {
      const waiter = { rev, go: resolve };
      known.waiters = [...known.waiters, waiter];
      this.#clock.after(longestWaitMs, () => {
        known.waiters = known.waiters.filter((each) => each !== waiter);
        resolve();
      });
    });
  }

  /** The revision of the newest members that were heard of; -1: none were. */
  membersRevOf(conversationId: string): number {
    return this.#known.get(conversationId)?.membersRev ?? -1;
  }

  forward(frame: ChangeFrame): void {
    const known = this.#known.get(frame.conversationId) ?? this.#firstSeen(frame);
    if (known.membersRev !== frame.membersRev) this.#changeMembers(known, frame);
    if (known.repair) return wait(known.repair, frame);
    if (frame.rev <= known.rev) return;
    if (frame.rev > known.rev + 1) return this.#repair(known, frame);
    known.rev = frame.rev;
    this.#tell(frame, false);
    if (known.waiters.length > 0) letGo(known);
  }

  /** Nothing is known of what came before: it is taken as it is. */
  #firstSeen({ conversationId, rev }: ChangeFrame): Known {
    return this.#remember(conversationId, rev - 1, -1);
  }

  #remember(conversationId: string, rev: number, membersRev: number): Known {
    const known: Known = { rev, membersRev, repair: null, waiters: [] };
    this.#known.set(conversationId, known);
    if (this.#known.size > maxKnown) this.#forgetOne();
    return known;
  }

  #forgetOne(): void {
    for (const [conversationId, known] of this.#known) {
      if (known.repair) continue;
      this.#known.delete(conversationId);
      return;
    }
  }

  /** A frame that comes late must not bring back members of before. */
  #changeMembers(known: Known, { conversationId, membersRev, members }: ChangeFrame): void {
    if (membersRev < known.membersRev) return;
    known.membersRev = membersRev;
    if (known.repair) known.repair.members = members;
    this.#membersChanged(conversationId, members);
  }

  #repair(known: Known, frame: ChangeFrame): void {
    known.repair = { waiting: [frame], isIncomplete: false, members: frame.members };
    this.#observer.note("frames were missed and are read from the store", {
      conversation: frame.conversationId,
    });
    this.#readHole(known, known.repair, frame.conversationId).catch((error) => {
      this.#observer.bug("repairing a hole", error);
      this.#known.delete(frame.conversationId);
    });
  }

  /**
   * Until the store has told everything up to the frames that wait, and these are told. Ends only at a head: members that are known are then of
   * no later revision than what was told.
   */
  async #readHole(known: Known, repair: Repair, conversationId: string): Promise<void> {
    do {
      repair.isIncomplete = false;
      const { rev } = known;
      const changes = await this.#readOnce(conversationId, rev);
      if (changes) this.#tellChanges(known, repair, changes);
      if (changes && !changes.hasMore) this.#tellWaiting(known, repair);
      letGo(known);
      if (known.rev === rev) await this.#pause();
    } while (repair.waiting.length > 0 || repair.isIncomplete);
    known.repair = null;
  }

  /** Up to the next hole. */
  #tellWaiting(known: Known, repair: Repair): void {
    repair.waiting.sort((one, other) => one.rev - other.rev);
    const ahead = repair.waiting.findIndex((frame) => {
      if (frame.rev > known.rev + 1) return true;
      if (frame.rev === known.rev + 1) {
        known.rev = frame.rev;
        this.#tell(frame, true);
      }
      return false;
    });
    repair.waiting = ahead < 0 ? [] : repair.waiting.slice(ahead);
  }

  /** Null: the store cannot be reached at present. */
  async #readOnce(conversationId: string, sinceRev: number): Promise<Changes | null> {
    const question = {
      conversationId,
      viewerId: null,
      sinceRev,
      sinceSeq: null,
      generation: null,
      limit: pageRows,
    };
    try {
      return (await this.#reads.changes([question]))[0]!;
    } catch (error) {
      this.#observer.note("missed frames cannot be read", { reason: String(error) });
      return null;
    }
  }

  #tellChanges(known: Known, repair: Repair, changes: Changes): void {
    const { conversationId } = changes;
    this.#learnMembers(known, repair, changes);
    const { membersRev } = known;
    for (const [rev, events] of eventsByRev(changes, known.rev)) {
      const members = membersAt(repair.members, rev);
      this.#tell({ type: "changes", conversationId, rev, membersRev, members, events }, true);
    }
    known.rev = Math.max(known.rev, changes.next.rev);
  }

  /** The store may know of members that no frame has told of yet. */
  #learnMembers(known: Known, repair: Repair, { conversationId, members: records }: Changes): void {
    const newer = records.filter((record) => record.rev > known.membersRev);
    if (newer.length === 0) return;
    const members = new Map(repair.members);
    for (const record of newer) {
      if (record.leftSeq === null) members.set(record.userId, record);
      else members.delete(record.userId);
    }
    repair.members = members;
    known.membersRev = Math.max(...newer.map((record) => record.rev));
    this.#membersChanged(conversationId, members);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(retryPauseMs, resolve));
  }
}

/** Those whose revision was told. */
function letGo(known: Known): void {
  const told = known.waiters.filter(({ rev }) => rev <= known.rev);
  known.waiters = known.waiters.filter(({ rev }) => rev > known.rev);
  for (const { go } of told) go();
}

function wait(repair: Repair, frame: ChangeFrame): void {
  if (repair.waiting.length >= maxWaiting) {
    repair.waiting = [];
    repair.isIncomplete = true;
  }
  repair.waiting.push(frame);
}

/** Those of now who were members then. */
function membersAt(members: ReadonlyMap<string, Member>, rev: number): ReadonlyMap<string, Member> {
  return new Map([...members].filter(([, { joinedRev }]) => joinedRev <= rev));
}

/** Rows as the events that would leave them so. A message that entered and changed in the hole is told once, as it is. */
function eventsByRev(changes: Changes, sinceRev: number): readonly (readonly [number, Event[]])[] {
  const isDirect = changes.conversation?.type === "direct";
  const events: (readonly [number, Event])[] = [
    ...changes.messages.map(({ message }) => eventOf(message, sinceRev)),
    ...changes.members
      .filter(({ rev }) => rev > sinceRev && rev <= changes.next.rev)
      .map((member): readonly [number, MemberChanged] => [
        member.rev,
        {
          type: isDirect ? blockEvent(member) : memberEvent(member),
          conversationId: changes.conversationId,
          rev: member.rev,
          actorId: member.userId,
          atUs: member.leftAtUs ?? member.joinedAtUs,
          member,
        },
      ]),
    ...conversationEvents(changes, sinceRev),
  ];
  const byRev = Map.groupBy(events, ([rev]) => rev);
  return [...byRev]
    .sort(([one], [other]) => one - other)
    .map(([rev, grouped]) => [rev, grouped.map(([, event]) => event)]);
}

function conversationEvents(
  { conversationId, conversation, next }: Changes,
  sinceRev: number,
): readonly (readonly [number, Event])[] {
  if (!conversation || conversation.rev <= sinceRev || conversation.rev > next.rev) return [];
  const { rev, updatedAtUs: atUs } = conversation;
  return [[rev, { type: "conversation_changed", conversationId, rev, atUs, conversation }]];
}

function memberEvent({ leftSeq, joinedRev, rev }: MemberRecord): MemberChanged["type"] {
  if (leftSeq !== null) return "member_removed";
  return joinedRev === rev ? "member_added" : "member_role_changed";
}

/** The two of a direct conversation change by blocks alone. */
function blockEvent({ leftSeq }: MemberRecord): MemberChanged["type"] {
  return leftSeq === null ? "member_unblocked" : "member_blocked";
}

function eventOf(message: Message, sinceRev: number): readonly [number, Event] {
  if (message.createdRev > sinceRev) {
    return [message.createdRev, { ...message, type: "message_sent", releasesKeyOf: null }];
  }
  const type = message.deletedAtUs === null ? "message_edited" : "message_deleted";
  const { conversationId, rev } = message;
  // Which command it was is for the store to know.
  return [rev, { type, conversationId, rev, changeId: message.id, message }];
}
