import type { Member } from "../core/conversations/conversation.ts";
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

interface Known {
  rev: number;
  membersRev: number;
  /** Frames that wait while a hole is being read; null: none is. */
  waiting: ChangeFrame[] | null;
  /** Some were dropped since the read began. */
  isIncomplete: boolean;
}

/**
 * What this node forwards of a conversation: in the order of revisions, each once, without a hole. A frame that shows a hole waits until the
 * store has told what was missed; one that brings other members is preceded by `membersChanged`.
 */
export class Delivery {
  readonly #reads: Pick<ViewerReads, "changes">;
  readonly #tell: (frame: ChangeFrame) => void;
  readonly #membersChanged: (conversationId: string, members: ReadonlyMap<string, Member>) => void;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #known = new Map<string, Known>();

  constructor(options: {
    readonly reads: Pick<ViewerReads, "changes">;
    readonly tell: (frame: ChangeFrame) => void;
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

  forward(frame: ChangeFrame): void {
    const known = this.#known.get(frame.conversationId) ?? this.#firstSeen(frame);
    if (known.membersRev !== frame.membersRev) this.#changeMembers(known, frame);
    if (known.waiting) return this.#wait(known, frame);
    if (frame.rev <= known.rev) return;
    if (frame.rev > known.rev + 1) return this.#repair(known, frame);
    known.rev = frame.rev;
    this.#tell(frame);
  }

  /** Nothing is known of what came before: it is taken as it is. */
  #firstSeen({ conversationId, rev }: ChangeFrame): Known {
    return this.#remember(conversationId, rev - 1, -1);
  }

  #remember(conversationId: string, rev: number, membersRev: number): Known {
    const known: Known = { rev, membersRev, waiting: null, isIncomplete: false };
    this.#known.set(conversationId, known);
    if (this.#known.size > maxKnown) this.#forgetOne();
    return known;
  }

  #forgetOne(): void {
    for (const [conversationId, known] of this.#known) {
      if (known.waiting) continue;
      this.#known.delete(conversationId);
      return;
    }
  }

  /** A frame that comes late must not bring back members of before. */
  #changeMembers(known: Known, { conversationId, membersRev, members }: ChangeFrame): void {
    if (membersRev < known.membersRev) return;
    known.membersRev = membersRev;
    this.#membersChanged(conversationId, members);
  }

  #wait(known: Known, frame: ChangeFrame): void {
    if (known.waiting!.length >= maxWaiting) {
      known.waiting = [];
      known.isIncomplete = true;
    }
    known.waiting!.push(frame);
  }

  #repair(known: Known, frame: ChangeFrame): void {
    known.waiting = [frame];
    this.#observer.note("frames were missed and are read from the store", {
      conversation: frame.conversationId,
    });
    this.#readHole(known, frame.conversationId).catch((error) =>
      this.#observer.bug("repairing a hole", error),
    );
  }

  /** Until the store has told everything up to the frames that wait. */
  async #readHole(known: Known, conversationId: string): Promise<void> {
    for (;;) {
      known.isIncomplete = false;
      const changes = await this.#readOnce(conversationId, known.rev);
      if (changes) this.#tellChanges(known, changes);
      if (changes?.hasMore || known.isIncomplete) continue;
      if (!changes || this.#hasHole(known)) await this.#pause();
      else break;
    }
    const waiting = known.waiting ?? [];
    known.waiting = null;
    for (const frame of waiting) this.forward(frame);
  }

  /** A frame can be ahead of what was read, never of what can be read. */
  #hasHole(known: Known): boolean {
    const next = known.waiting?.find((frame) => frame.rev > known.rev);
    return next !== undefined && next.rev > known.rev + 1;
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

  #tellChanges(known: Known, changes: Changes): void {
    const { members, membersRev } = known.waiting!.at(-1) ?? {
      members: new Map(),
      membersRev: known.membersRev,
    };
    for (const [rev, events] of eventsByRev(changes, known.rev)) {
      this.#tell({
        type: "changes",
        conversationId: changes.conversationId,
        rev,
        membersRev,
        members,
        events,
      });
    }
    known.rev = Math.max(known.rev, changes.next.rev);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(retryPauseMs, resolve));
  }
}

/** Rows as the events that would leave them so. A message that entered and changed in the hole is told once, as it is. */
function eventsByRev(changes: Changes, sinceRev: number): readonly (readonly [number, Event[]])[] {
  const events: (readonly [number, Event])[] = [
    ...changes.messages.map(({ message }) => eventOf(message, sinceRev)),
    ...changes.members.map((member): readonly [number, MemberChanged] => [
      member.rev,
      {
        type: member.leftSeq !== null ? "member_removed" : memberEvent(member.joinedRev, member.rev),
        conversationId: changes.conversationId,
        rev: member.rev,
        actorId: member.userId,
        atUs: member.leftAtUs ?? member.joinedAtUs,
        member,
      },
    ]),
  ];
  const byRev = Map.groupBy(events, ([rev]) => rev);
  return [...byRev]
    .sort(([one], [other]) => one - other)
    .map(([rev, grouped]) => [rev, grouped.map(([, event]) => event)]);
}

function memberEvent(joinedRev: number, rev: number): MemberChanged["type"] {
  return joinedRev === rev ? "member_added" : "member_role_changed";
}

function eventOf(message: Message, sinceRev: number): readonly [number, Event] {
  if (message.createdRev > sinceRev) {
    return [message.createdRev, { ...message, type: "message_sent", releasesKeyOf: null }];
  }
  const type = message.deletedAtUs === null ? "message_edited" : "message_deleted";
  const { conversationId, rev } = message;
  return [rev, { type, conversationId, rev, message }];
}
