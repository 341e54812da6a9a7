import type {
  ConversationSettings,
  ConversationType,
  Head,
  Member,
  MemberMarks,
  MemberRecord,
} from "../../core/conversations/conversation.ts";
import type {
  ConversationChanged,
  ConversationDeactivated,
} from "../../core/conversations/conversation-changed.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { MarkKind } from "../../core/messages/marks.ts";
import type { Message, MessageSent } from "../../core/messages/message.ts";
import type { KeyUse, SendKey } from "../../core/messages/send-key.ts";

/** A membership as it is stored, with its marks. */
export interface StoredMember extends MemberRecord {
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

/** The messages that one move of a mark covered. */
export interface MarkRange {
  readonly userId: string;
  readonly kind: MarkKind;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly atUs: number;
}

/** Everything that the model stores of one conversation. */
export interface Log {
  readonly id: string;
  readonly type: ConversationType;
  /** The two users of a direct conversation, in the order of their ids; null: a group, or nobody looks it up by its pair. */
  readonly pair: readonly [low: string, high: string] | null;
  readonly createdAtUs: number;
  metadata: string;
  isActive: boolean;
  /** The revision and time of the last change of metadata or state. */
  settingsRev: number;
  updatedAtUs: number;
  rev: number;
  membersRev: number;
  /** The last revision that the history before the present one has in common with it. */
  restoredRev: number;
  /** By seq, from 1. */
  readonly messages: Message[];
  /** Former members too. */
  readonly members: Map<string, StoredMember>;
  /** The use that holds a key, by `keyOf`. */
  readonly keys: Map<string, KeyUse>;
  /** What was stored under each revision. */
  readonly changes: Map<number, readonly Event[]>;
  readonly ranges: MarkRange[];
  /** Who marked the conversation as unread, and from which message on. */
  readonly unreadFrom: Map<string, number>;
}

export type NewLog = Pick<Log, "id" | "type"> &
  Partial<Pick<Log, "pair" | "createdAtUs" | "metadata">> & { readonly members: Iterable<Member> };

/** A conversation as its creation stores it: at revision 0. */
export function newLog({ members, pair = null, createdAtUs = 0, metadata = "{}", ...given }: NewLog): Log {
  const stored = [...members].map((member) => ({
    ...member,
    rev: 0,
    leftSeq: null,
    leftAtUs: null,
    deliveredSeq: member.joinedSeq,
    readSeq: member.joinedSeq,
  }));
  return {
    ...given,
    pair,
    createdAtUs,
    metadata,
    isActive: true,
    settingsRev: 0,
    updatedAtUs: createdAtUs,
    rev: 0,
    membersRev: 0,
    restoredRev: 0,
    messages: [],
    members: new Map(stored.map((member) => [member.userId, member])),
    keys: new Map(),
    changes: new Map(),
    ranges: [],
    unreadFrom: new Map(),
  };
}

/** Stores the events of one revision. */
export function storeEvents(log: Log, rev: number, events: readonly Event[]): void {
  log.rev = rev;
  log.changes.set(rev, events);
  for (const event of events) storeEvent(log, event);
}

function storeEvent(log: Log, event: Event): void {
  switch (event.type) {
    case "message_sent":
      return storeSent(log, event);
    case "message_edited":
    case "message_deleted":
    case "media_attached":
    case "reaction_added":
    case "reaction_removed":
      log.messages[event.message.seq - 1] = event.message;
      return;
    case "conversation_changed":
    case "conversation_deactivated":
      return storeSettings(log, event);
    default:
      return storeMember(log, event);
  }
}

/** Without the quote: reads look it up afresh. */
function storeSent(log: Log, { type: _, releasesKeyOf: __, deviceTag, ...message }: MessageSent): void {
  log.messages.push(message);
  if (message.clientRandom === null) return;
  const { senderId, clientRandom, seq, sentAtUs } = message;
  log.keys.set(keyOf(senderId, { deviceTag, clientRandom }), { deviceTag, seq, sentAtUs });
}

function storeSettings(log: Log, event: ConversationChanged | ConversationDeactivated): void {
  log.settingsRev = event.rev;
  log.updatedAtUs = event.atUs;
  if (event.type === "conversation_deactivated") log.isActive = false;
  else Object.assign(log, { metadata: event.conversation.metadata, isActive: event.conversation.isActive });
}

/** Marks never move back. Messages from before a member joined count as delivered and read. */
function storeMember(log: Log, { rev, member }: MemberChanged): void {
  const before = log.members.get(member.userId);
  log.membersRev = rev;
  log.members.set(member.userId, {
    ...member,
    deliveredSeq: Math.max(before?.deliveredSeq ?? 0, member.joinedSeq),
    readSeq: Math.max(before?.readSeq ?? 0, member.joinedSeq),
  });
}

export function keyOf(senderId: string, { deviceTag, clientRandom }: SendKey): string {
  return `${senderId} ${deviceTag} ${clientRandom}`;
}

export function presentIn(log: Log | undefined): StoredMember[] {
  return [...(log?.members.values() ?? [])].filter((member) => member.leftSeq === null);
}

export function settingsOf({ id, type, metadata, isActive }: Log): ConversationSettings {
  return { id, type, metadata, isActive };
}

export function headOf({ messages, rev, membersRev }: Log): Head {
  return { seq: messages.length, rev, membersRev, lastMessageAtUs: messages.at(-1)?.sentAtUs ?? null };
}

/** A member without the end of the membership and without marks. */
export function memberOf({ userId, role, pending, joinedAtUs, joinedSeq, joinedRev }: Member): Member {
  return { userId, role, pending, joinedAtUs, joinedSeq, joinedRev };
}

export function marksOf({ userId, deliveredSeq, readSeq }: MemberMarks): MemberMarks {
  return { userId, deliveredSeq, readSeq };
}

/** Members in the order of reads: longest-standing first. */
export function byStanding(one: Member, other: Member): number {
  return one.joinedAtUs - other.joinedAtUs || (one.userId < other.userId ? -1 : 1);
}
