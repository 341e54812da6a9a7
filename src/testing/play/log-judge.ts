import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { EditMessage } from "../../core/messages/edit.ts";
import type { Message, MessageChanged, MessageSent, ReactionChanged } from "../../core/messages/message.ts";
import { asSeenFrom } from "../../core/messages/quote.ts";
import { keyLifetimeUs } from "../../core/messages/send-key.ts";
import type { ChangeFrame } from "../../core/ports/pubsub.ts";
import type { ModelStore } from "../model/model-store.ts";

export type Expect = (holds: boolean, otherwise: string) => void;

/** What must be true of a log in the model, and of whatever tells of it. */
export class LogJudge {
  readonly #model: ModelStore;
  readonly #initial = new Map<string, ReadonlySet<string>>();
  readonly #edits = new Map<string, EditMessage>();
  readonly #toldRevs = new Map<string, number[]>();
  /** Revisions that another owner wrote, which this one does not tell. */
  readonly #rivalRevs = new Map<string, Set<number>>();
  readonly #expect: Expect;

  constructor(options: { readonly model: ModelStore; readonly expect: Expect }) {
    this.#model = options.model;
    this.#expect = options.expect;
  }

  began(id: string, members: readonly string[]): void {
    this.#initial.set(id, new Set(members));
    this.#toldRevs.set(id, []);
    this.#rivalRevs.set(id, new Set());
  }

  /** Each edit has a content of its own. */
  edits(command: EditMessage): void {
    this.#edits.set(command.content, command);
  }

  rivalWrote(id: string, rev: number): void {
    this.#rivalRevs.get(id)!.add(rev);
  }

  /** A member from the start who was never away, as far as is stored. */
  isSteadyMember(id: string, userId: string): boolean {
    if (!this.#initial.get(id)?.has(userId)) return false;
    return !this.#eventsOf(id).some(
      (event) => "member" in event && event.member.userId === userId && event.member.leftSeq !== null,
    );
  }

  /** Everything of the change is stored, as it is told. */
  isStored(id: string, events: readonly Event[]): boolean {
    const rev = events[0]?.rev ?? 0;
    return Bun.deepEquals(this.#logOf(id).changes.get(rev), events);
  }

  /** The message is, or was, stored so. */
  wasStored(id: string, message: Message): boolean {
    const events = this.#logOf(id).changes.get(message.rev) ?? [];
    return events.some((event) => {
      const version = messageOf(event);
      return version?.id === message.id && version.content === message.content;
    });
  }

  /** Every frame tells of what is stored, in order, and of the members of its revision. */
  heard(frame: ChangeFrame): void {
    const { conversationId: id, rev, events, members } = frame;
    const revs = this.#toldRevs.get(id)!;
    this.#expect((revs.at(-1) ?? 0) < rev, "a frame out of order");
    revs.push(rev);
    this.#expect(this.isStored(id, events), "a frame tells of what is not stored");
    const then = this.#membersAt(id, rev);
    const isRight = then.size === members?.size && [...then].every((userId) => members.has(userId));
    this.#expect(isRight, "a frame tells of other members");
  }

  judge(id: string): void {
    const log = this.#logOf(id);
    const told = new Set(this.#toldRevs.get(id)!);
    const rivals = this.#rivalRevs.get(id)!;
    for (let rev = 1; rev <= log.rev; rev++) {
      this.#expect(log.changes.has(rev), "a hole in the revisions");
      this.#expect(told.has(rev) !== rivals.has(rev), "a stored change was not told, or another's was");
    }
    this.#judgeMessages(log.messages);
    this.#judgeKeys([...log.changes.values()].flat());
    this.#judgeHistory(id);
    for (const { deliveredSeq, readSeq } of log.members.values())
      this.#expect(readSeq <= deliveredSeq && deliveredSeq <= log.messages.length, "a mark beyond the head");
  }

  #judgeMessages(messages: readonly Message[]): void {
    this.#expect(new Set(messages.map(({ id }) => id)).size === messages.length, "a command is stored twice");
    messages.forEach((message, index) => {
      const before = messages[index - 1];
      this.#expect(message.seq === index + 1, "a hole in the log");
      this.#expect(message.createdRev > (before?.createdRev ?? 0), "messages out of order");
      this.#expect(message.sentAtUs > (before?.sentAtUs ?? 0), "sent_at does not grow");
    });
  }

  #judgeKeys(events: readonly Event[]): void {
    const uses = Map.groupBy(
      events.filter((event) => event.type === "message_sent" && event.clientRandom !== null) as MessageSent[],
      ({ senderId, deviceTag, clientRandom }) => `${senderId} ${deviceTag} ${clientRandom}`,
    );
    for (const same of uses.values())
      same.forEach((message, index) => {
        const isLater = index === 0 || message.sentAtUs - same[index - 1]!.sentAtUs >= keyLifetimeUs;
        this.#expect(isLater, "a key was used twice within 24 hours");
      });
  }

  /** Change by change: what each of them found, and made of it. */
  #judgeHistory(id: string): void {
    const history = new History(this.#initial.get(id)!, this.#edits, this.#expect);
    const { changes, rev: last } = this.#logOf(id);
    for (let rev = 1; rev <= last; rev++) {
      const isRivals = this.#rivalRevs.get(id)!.has(rev);
      for (const event of changes.get(rev) ?? []) history.add(event, isRivals);
    }
  }

  #membersAt(id: string, rev: number): ReadonlySet<string> {
    const members = new Set(this.#initial.get(id)!);
    for (const event of this.#eventsOf(id)) {
      if (event.rev > rev || !("member" in event)) continue;
      if (event.member.leftSeq === null) members.add(event.member.userId);
      else members.delete(event.member.userId);
    }
    return members;
  }

  #eventsOf(id: string): Event[] {
    return [...this.#logOf(id).changes.values()].flat();
  }

  #logOf(id: string) {
    return this.#model.logs.get(id)!;
  }
}

/** A log as it grew. */
class History {
  readonly #members: Set<string>;
  readonly #messages = new Map<string, Message>();
  readonly #edited = new Set<string>();
  #metadata = "{}";
  readonly #edits: ReadonlyMap<string, EditMessage>;
  readonly #expect: Expect;

  constructor(members: ReadonlySet<string>, edits: ReadonlyMap<string, EditMessage>, expect: Expect) {
    this.#members = new Set(members);
    this.#edits = edits;
    this.#expect = expect;
  }

  add(event: Event, isRivals: boolean): void {
    if (event.type === "message_sent") this.#sent(event, isRivals);
    else if ("message" in event) this.#changed(event, isRivals);
    else if ("member" in event) this.#memberChanged(event);
    else if (event.type === "conversation_changed") this.#conversationChanged(event.conversation.metadata);
  }

  /** Each change sets one name: whatever the others have is what was there. */
  #conversationChanged(text: string): void {
    const before = JSON.parse(this.#metadata);
    const after = JSON.parse(text);
    const changed = Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name]);
    this.#expect(changed.length === 1, "a change of the conversation was decided on what is not there");
    this.#metadata = text;
  }

  #sent({ type: _, deviceTag: __, releasesKeyOf: ___, ...message }: MessageSent, isRivals: boolean): void {
    this.#expect(isRivals || this.#members.has(message.senderId), "who is no member has written");
    this.#messages.set(message.id, message);
  }

  #changed(event: MessageChanged | ReactionChanged, isRivals: boolean): void {
    const { type, message } = event;
    const before = this.#messages.get(message.id);
    this.#expect(before !== undefined, "a message was changed that is not there");
    this.#expect(before?.deletedAtUs === null, "a deleted message was changed");
    if (event.type === "reaction_added" || event.type === "reaction_removed")
      this.#expect(
        before !== undefined && isOneMore(before, event),
        "a reaction to what is not there any more",
      );
    if (type === "message_edited" && before && !isRivals) this.#judgeEdit(before, message);
    this.#messages.set(message.id, message);
  }

  /** By its author, once, of what was there: nothing but what an edit changes has changed. */
  #judgeEdit(before: Message, message: Message): void {
    const { content, rev, editedAtUs } = message;
    const command = this.#edits.get(content);
    const metadata = command?.metadata ?? before.metadata;
    this.#expect(command?.messageId === message.id, "an edit of another message");
    this.#expect(command?.senderId === message.senderId, "an edit that is not its author's");
    this.#expect(!this.#edited.has(content), "an edit is stored twice");
    this.#edited.add(content);
    const expected = { ...before, content, metadata, rev, editedAtUs };
    this.#expect(
      Bun.deepEquals(unquoted(message), unquoted(expected)),
      "an edit of what is not there any more",
    );
  }

  /** Who is unblocked is where he was before. */
  #memberChanged({ type, member: { userId, leftSeq, joinedSeq } }: MemberChanged): void {
    const seq = this.#messages.size;
    if (leftSeq !== null) {
      this.#expect(
        this.#members.delete(userId) && leftSeq === seq,
        "a member left who was none, or elsewhere",
      );
    } else {
      const isNew = !this.#members.has(userId);
      const cameWith = type === "member_unblocked" ? 0 : seq;
      this.#expect(!isNew || joinedSeq === cameWith, "a member came elsewhere than at the head");
      this.#members.add(userId);
    }
  }
}

/** What it answers may have changed meanwhile, and is shown as it is now. */
function unquoted(message: Message): Message {
  return asSeenFrom(message, message.seq);
}

/** Nothing but this reaction has changed, and it was not there before, or is not any more. */
function isOneMore(before: Message, { type, rev, message, reaction }: ReactionChanged): boolean {
  const [less, more] = type === "reaction_added" ? [before, message] : [message, before];
  const list = [...(less.reactions?.list ?? [])];
  const expected = more.reactions?.list.filter((each) => each.id !== reaction.id);
  const { reactions } = message;
  return (
    expected?.length === (more.reactions?.list.length ?? 0) - 1 &&
    Bun.deepEquals(list, expected) &&
    Bun.deepEquals(unquoted(message), { ...unquoted(before), rev, reactions })
  );
}

function messageOf(event: Event): Message | null {
  if (event.type === "message_sent") return event;
  return "message" in event ? event.message : null;
}
