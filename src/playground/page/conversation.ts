import { Marks } from "./marks.ts";
import { MessageLog } from "./message-log.ts";
import type { BareConversation, Changes, Mark, Member, Message, Metadata, Role, Summary } from "./wire.ts";

/** Something that happened between two messages and is told only while one watches. */
export interface Note {
  readonly afterSeq: number;
  readonly text: string;
}

const notesKept = 50;

/** One conversation as this device knows it. */
export class Conversation {
  readonly id: string;
  readonly type: "direct" | "group";
  readonly createdAt: string;
  /** Whose it is; of a direct conversation both, also while one of them has blocked the other. */
  readonly userIds: readonly string[];
  readonly log = new MessageLog();
  readonly marks = new Marks();
  readonly typing = new Set<string>();
  metadata: Metadata;
  isActive: boolean;
  /** Everything up to this message is held, or can be read: the cursor that the server is told. */
  seq: number;
  /** Every change up to this one is known. */
  rev: number;
  /** The highest change that was heard of; above `rev` there is a hole. */
  heardRev: number;
  unread: number;
  lastMessage: Message | null;
  notes: readonly Note[];
  /** Who is there now. With their roles only once the conversation was read by itself. */
  members: ReadonlyMap<string, Member>;

  readonly #onNotes: (notes: readonly Note[]) => void;

  constructor(
    summary: Summary,
    noted: {
      /** Those of before the page was loaded again. */
      readonly notes: readonly Note[];
      readonly onNotes: (notes: readonly Note[]) => void;
    } = { notes: [], onNotes: () => {} },
  ) {
    this.notes = noted.notes;
    this.#onNotes = noted.onNotes;
    this.id = summary.id;
    this.type = summary.type;
    this.createdAt = summary.created_at;
    this.userIds = summary.member_user_ids;
    this.metadata = summary.metadata;
    this.isActive = summary.is_active;
    this.seq = summary.head_seq;
    this.rev = summary.head_rev;
    this.heardRev = summary.head_rev;
    this.unread = summary.unread_count;
    this.lastMessage = summary.last_message;
    this.members = new Map(
      summary.member_user_ids.map((user_id) => [user_id, { user_id, role: "member", is_active: true }]),
    );
    if (summary.members) this.setMembers(summary.members);
  }

  /** Reads state that is at least as new as what is held. */
  refresh(summary: Summary): void {
    this.metadata = summary.metadata;
    this.isActive = summary.is_active;
    this.unread = summary.unread_count;
    if (summary.last_message && summary.head_seq >= this.seq) this.lastMessage = summary.last_message;
    if (summary.members) this.setMembers(summary.members);
  }

  /** What was held is no beginning of what the server has: it is read afresh from here. */
  restart(summary: Summary): void {
    this.log.clear();
    this.seq = summary.head_seq;
    this.rev = summary.head_rev;
    this.heardRev = summary.head_rev;
    this.refresh(summary);
  }

  /** Whether the message was new. */
  putMessage(message: Message): boolean {
    const isNew = message.seq > this.seq;
    this.log.put(message);
    if (isNew) this.seq = message.seq;
    if (!this.lastMessage || message.seq >= this.lastMessage.seq) this.lastMessage = message;
    return isNew;
  }

  putMember(member: Member): void {
    const members = new Map(this.members);
    if (member.is_active) members.set(member.user_id, { ...this.members.get(member.user_id), ...member });
    else members.delete(member.user_id);
    this.members = members;
  }

  setMembers(members: readonly Member[]): void {
    this.members = new Map(members.map((member) => [member.user_id, member]));
  }

  putMarks(marks: readonly Mark[]): void {
    for (const mark of marks) this.marks.raise(mark);
  }

  putSettings({ metadata, is_active }: BareConversation): void {
    this.metadata = metadata;
    this.isActive = is_active;
  }

  /** A difference. The messages in it that were new. */
  putChanges({ messages, members, conversation }: Changes): readonly Message[] {
    for (const member of members) this.putMember(member);
    if (conversation) this.putSettings(conversation);
    return messages.filter((message) => this.putMessage(message));
  }

  /** One change was heard. Several events of one command share a `rev`. */
  hear(rev: number): void {
    this.heardRev = Math.max(this.heardRev, rev);
    if (rev === this.rev + 1) this.rev = rev;
  }

  /** Everything up to here is known. */
  reach(rev: number): void {
    this.rev = Math.max(this.rev, rev);
    this.heardRev = Math.max(this.heardRev, rev);
  }

  get hasHole(): boolean {
    return this.heardRev > this.rev;
  }

  note(...texts: readonly string[]): void {
    if (texts.length === 0) return;
    const added = texts.map((text) => ({ afterSeq: this.seq, text }));
    this.notes = [...this.notes, ...added].slice(-notesKept);
    this.#onNotes(this.notes);
  }

  othersThan(userId: string): readonly string[] {
    return [...this.members.keys()].filter((id) => id !== userId);
  }

  /** The other one of a direct conversation. */
  otherThan(userId: string): string | null {
    return this.type === "direct" ? (this.userIds.find((id) => id !== userId) ?? null) : null;
  }

  /** Whom one has blocked is no member of the direct conversation any more. (Who is blocked sees none.) */
  get isBlocked(): boolean {
    return this.type === "direct" && this.userIds.some((id) => !this.members.has(id));
  }

  roleOf(userId: string): Role {
    return this.members.get(userId)?.role ?? "member";
  }

  get name(): string | null {
    const { name } = this.metadata;
    return typeof name === "string" && name !== "" ? name : null;
  }

  /** When something was last said. */
  get movedAt(): string {
    return this.lastMessage?.sent_at ?? this.createdAt;
  }
}
