import type { Member } from "../../core/conversations/conversation.ts";
import { type Clock, pause } from "../../core/ports/clock.ts";
import type { DeliveryReads } from "../../core/ports/delivery-reads.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { ChangeFrame } from "../../core/ports/pubsub.ts";
import { StoreUnavailable } from "../../core/ports/store-errors.ts";
import type { Changes } from "../../core/ports/sync-reads.ts";
import { eventsByRev, membersAt } from "./changes-as-events.ts";
import { type Forwarded, type Known, type Repair, unknownRev, type Waiter } from "./forwarded.ts";
import type { KeptMembers } from "./kept-members.ts";
import { rowsForMembers, waitingForMembers } from "./repair-bounds.ts";

const retryPauseMs = 200;
/** The pause after an error that another try will hardly mend. */
const bugPauseMs = 5_000;

/** A frame whose members are known. */
export interface WholeFrame extends ChangeFrame {
  readonly members: ReadonlyMap<string, Member>;
}

/** Members as some revision left them. */
export type MembersOf = Pick<WholeFrame, "conversationId" | "membersRev" | "members">;

/**
 * Reads what frames did not bring: the changes of a gap, and members whom this node does not know. Frames that come meanwhile wait, and follow
 * what was read.
 */
export class GapReader {
  readonly #reads: DeliveryReads;
  readonly #forwarded: Pick<Forwarded, "is" | "forget">;
  readonly #tell: (frame: WholeFrame, isLate: true) => void;
  readonly #changeMembers: (known: Known, members: MembersOf) => void;
  readonly #kept: KeptMembers;
  readonly #clock: Clock;
  readonly #observer: Observer;
  #stopped = false;

  constructor(options: {
    readonly reads: DeliveryReads;
    readonly forwarded: Pick<Forwarded, "is" | "forget">;
    readonly tell: (frame: WholeFrame, isLate: true) => void;
    readonly changeMembers: (known: Known, members: MembersOf) => void;
    readonly kept: KeptMembers;
    readonly clock: Clock;
    readonly observer: Observer;
  }) {
    this.#reads = options.reads;
    this.#forwarded = options.forwarded;
    this.#tell = options.tell;
    this.#changeMembers = options.changeMembers;
    this.#kept = options.kept;
    this.#clock = options.clock;
    this.#observer = options.observer;
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads what was missed where no frame has shown the gap. */
  readMissed(known: Known): void {
    if (known.repair) known.repair.isIncomplete = true;
    else this.readGap(known, { waiting: [], isIncomplete: true, members: null });
  }

  /** Reads the changes between what was forwarded and the frames that wait. */
  readGap(known: Known, repair: Repair): void {
    this.#observer.note("frames_missed", { conversation_id: known.conversationId });
    this.#begin(known, repair);
  }

  /** Reads the members of the next frame: it comes from a node that knows them, and this one does not. */
  readMembers(known: Known, frame: ChangeFrame): void {
    this.#begin(known, { waiting: [frame], isIncomplete: false, members: null });
  }

  #begin(known: Known, repair: Repair): void {
    known.repair = repair;
    this.#readAll(known, repair).catch((error) => {
      this.#observer.bug("reading missed frames", error);
      known.repair = null;
      known.rev = unknownRev;
      resolveWaiters(known, () => true);
    });
  }

  /** Asks again until the store answers. Null: this was stopped. */
  async patiently<T>(read: () => Promise<T>): Promise<T | null> {
    while (!this.#stopped) {
      try {
        return await read();
      } catch (error) {
        this.#observer.warn("missed_frames_unreadable", { reason: String(error) });
        await pause(this.#clock, error instanceof StoreUnavailable ? retryPauseMs : bugPauseMs);
      }
    }
    return null;
  }

  /**
   * Until the store has told everything up to the frames that wait, and these are forwarded. Ends only at a head: members that are known are
   * then of no later revision than what was forwarded. Ends also when the conversation was forgotten meanwhile.
   */
  async #readAll(known: Known, repair: Repair): Promise<void> {
    const isWanted = () => this.#forwarded.is(known.conversationId, known) && !this.#stopped;
    do {
      const { rev } = known;
      const lacksMembers = !repair.isIncomplete && isNext(known, repair);
      repair.isIncomplete = false;
      const read = await this.patiently(() => this.#readOnce(known, repair, lacksMembers));
      if (!isWanted()) return resolveWaiters(known, () => true);
      if (!read) {
        this.#forwarded.forget(known.conversationId);
        return resolveWaiters(known, () => true);
      }
      this.#tellRead(known, repair, read);
      resolveReached(known);
      if (known.rev === rev && hasMore(repair)) await pause(this.#clock, retryPauseMs);
    } while (hasMore(repair) && isWanted());
    known.repair = null;
    resolveWaiters(known, ({ isOverdue }) => isOverdue);
  }

  /** Null: there is no such conversation any more, or it was forgotten meanwhile. */
  async #readOnce(known: Known, repair: Repair, lacksMembers: boolean): Promise<Changes | "members" | null> {
    const { conversationId } = known;
    if (!repair.members) {
      const present = await this.#reads.members(conversationId);
      if (!present || !this.#forwarded.is(conversationId, known)) return null;
      if (!repair.members) this.#changeMembers(known, { conversationId, ...present });
      repair.members ??= present.members;
    }
    if (lacksMembers) return "members";
    const limit = rowsForMembers(repair.members.size);
    const request = { conversationId, viewerId: null, sinceRev: known.rev, sinceSeq: null, generation: null };
    return (await this.#reads.changes([{ ...request, limit }]))[0]!;
  }

  #tellRead(known: Known, repair: Repair, read: Changes | "members"): void {
    if (read === "members") {
      this.#kept.keep(known, repair.members!);
      return this.#tellWaiting(known, repair);
    }
    this.#tellChanges(known, repair, read);
    if (read.hasMore) repair.isIncomplete = true;
    else this.#tellWaiting(known, repair);
  }

  /** Up to the next gap. */
  #tellWaiting(known: Known, repair: Repair): void {
    repair.waiting.sort((one, other) => one.rev - other.rev);
    const ahead = repair.waiting.findIndex((frame) => {
      if (frame.rev > known.rev + 1) return true;
      if (frame.rev === known.rev + 1) {
        known.rev = frame.rev;
        this.#tell(isWhole(frame) ? frame : wholeOf(frame, repair.members!), true);
      }
      return false;
    });
    repair.waiting = ahead < 0 ? [] : repair.waiting.slice(ahead);
  }

  #tellChanges(known: Known, repair: Repair, changes: Changes): void {
    const { conversationId } = changes;
    this.#learnMembers(known, repair, changes);
    const { membersRev } = known;
    for (const [rev, events] of eventsByRev(changes, known.rev)) {
      const members = membersAt(repair.members!, rev);
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
    const membersRev = Math.max(...newer.map((record) => record.rev));
    this.#changeMembers(known, { conversationId, membersRev, members });
  }
}

export function isWhole(frame: ChangeFrame): frame is WholeFrame {
  return frame.members !== null;
}

/** Members of a later revision that were members at that of the frame. */
export function wholeOf(frame: ChangeFrame, members: ReadonlyMap<string, Member>): WholeFrame {
  return { ...frame, members: membersAt(members, frame.rev) };
}

/** Whether the frames continue what was forwarded. */
function isNext({ rev }: Known, { waiting }: Repair): boolean {
  return waiting.some((frame) => frame.rev === rev + 1);
}

function hasMore({ waiting, isIncomplete }: Repair): boolean {
  return waiting.length > 0 || isIncomplete;
}

/** Keeps a frame that comes while a gap is read. Beyond the bound frames are dropped, and read as well. */
export function wait(repair: Repair, frame: ChangeFrame): void {
  const members = frame.members ?? repair.members;
  if (repair.waiting.length >= waitingForMembers(members?.size ?? 1)) {
    repair.waiting = [];
    repair.isIncomplete = true;
  }
  repair.waiting.push(frame);
}

/** Resolves the waiters whose revision was forwarded. */
export function resolveReached(known: Known): void {
  resolveWaiters(known, ({ rev }) => rev <= known.rev);
}

export function resolveWaiters(known: Known, which: (waiter: Waiter) => boolean): void {
  const resolved = known.waiters.filter(which);
  known.waiters = known.waiters.filter((waiter) => !which(waiter));
  for (const { go } of resolved) go();
}
