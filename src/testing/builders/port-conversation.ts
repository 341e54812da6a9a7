import type { MemberRecord, Role } from "../../core/conversations/conversation.ts";
import type { MemberChanged } from "../../core/conversations/member-changed.ts";
import type { Event } from "../../core/events.ts";
import type { Message } from "../../core/messages/message.ts";
import { append, type StoreStage } from "../../store/contract/stage.ts";
import { newId } from "../../system.ts";
import { type Log, newLog, storeEvents } from "../model/log.ts";
import { aMessageSent } from "./builders.ts";
import { aConversationChange, aDeletion, anEdit, aReaction, changeOf, startUs } from "./changes.ts";

/**
 * A group that is written through the ports of a store: each call is one revision. It keeps its log, to make each change from what is there.
 * The first of its users owns it; the others are `added`, as a creation leaves them.
 */
export class PortConversation {
  readonly log: Log;
  readonly #stage: StoreStage;

  static async of(stage: StoreStage, userIds: readonly string[]): Promise<PortConversation> {
    const id = newId();
    const [creatorId, ...others] = userIds as [string, ...string[]];
    const otherUserIds = others.length > 0 ? others : [newId()];
    const given = { id, creatorId, otherUserIds, metadata: "{}", atUs: startUs };
    await stage.creation.createGroup({ type: "create_group", ...given });
    const conversation = new PortConversation(stage, id, [creatorId, ...otherUserIds]);
    if (others.length === 0) await conversation.remove(otherUserIds[0]!);
    return conversation;
  }

  private constructor(stage: StoreStage, id: string, userIds: readonly string[]) {
    this.#stage = stage;
    const begun = { joinedAtUs: startUs, joinedSeq: 0, joinedRev: 0 };
    const members = userIds.map((userId, index) =>
      index === 0
        ? { userId, role: "owner" as const, ...begun }
        : { userId, role: "member" as const, pending: "added" as const, ...begun },
    );
    this.log = newLog({ id, type: "group", createdAtUs: startUs, members });
  }

  get id(): string {
    return this.log.id;
  }

  get seq(): number {
    return this.log.messages.length;
  }

  get rev(): number {
    return this.log.rev;
  }

  get messageIds(): readonly string[] {
    return this.log.messages.map(({ id }) => id);
  }

  /** Messages of one sender, all in one revision. */
  async send(
    senderId: string,
    given: { readonly count?: number; readonly sentAtUs?: number; readonly content?: string } = {},
  ): Promise<void> {
    const { count = 1, content = "text" } = given;
    await this.#change(
      ...Array.from({ length: count }, (_, index) => {
        const seq = this.seq + index + 1;
        const sentAtUs = (given.sentAtUs ?? startUs + this.seq + count) - (count - index - 1);
        return this.#sent(senderId, seq, { content: `${content} ${seq}`, sentAtUs });
      }),
    );
  }

  /** As many messages as this, each in a revision of its own, in one batch. */
  async fill(senderId: string, count: number): Promise<void> {
    const changes = Array.from({ length: count }, () => {
      const seq = this.seq + 1;
      const event = this.#sent(senderId, seq, { content: `text ${seq}`, sentAtUs: startUs + seq });
      storeEvents(this.log, event.rev, [event]);
      return changeOf(this.id, event.rev, event);
    });
    await append(this.#stage, { changes });
  }

  async reply(senderId: string, seq: number): Promise<void> {
    const replyTo = { id: this.messageIds[seq - 1]!, seq, quote: null };
    await this.#change(this.#sent(senderId, this.seq + 1, { content: "reply", replyTo }));
  }

  async edit(seqs: readonly number[]): Promise<void> {
    await this.#change(
      ...seqs.map((seq) => anEdit(this.message(seq), this.rev + 1, `edited ${this.rev + 1}`)),
    );
  }

  async delete(seqs: readonly number[]): Promise<void> {
    await this.#change(...seqs.map((seq) => aDeletion(this.message(seq), this.rev + 1)));
  }

  async react(userId: string, seq: number, reaction: string): Promise<void> {
    await this.#change(aReaction("reaction_added", this.message(seq), this.rev + 1, { userId, reaction }));
  }

  async add(...userIds: readonly string[]): Promise<void> {
    const rev = this.rev + 1;
    const begun = {
      joinedAtUs: startUs + rev,
      joinedSeq: this.seq,
      joinedRev: rev,
      leftSeq: null,
      leftAtUs: null,
    };
    await this.#change(
      ...userIds.map((userId) => this.#member("member_added", { userId, role: "member", rev, ...begun })),
    );
  }

  async remove(userId: string): Promise<void> {
    const rev = this.rev + 1;
    const ended = { rev, leftSeq: this.seq, leftAtUs: startUs + rev };
    await this.#change(this.#member("member_removed", { ...this.#record(userId), ...ended }));
  }

  async changeRole(userId: string, role: Role): Promise<void> {
    const rev = this.rev + 1;
    await this.#change(this.#member("member_role_changed", { ...this.#record(userId), role, rev }));
  }

  async rename(): Promise<void> {
    const rev = this.rev + 1;
    await this.#change(aConversationChange(this.id, rev, `{"name":"${rev}"}`));
  }

  /** Has no revision. */
  async mark(userId: string, deliveredSeq: number, readSeq: number): Promise<void> {
    await append(this.#stage, { marks: [{ conversationId: this.id, userId, deliveredSeq, readSeq }] });
  }

  message(seq: number): Message {
    return this.log.messages[seq - 1]!;
  }

  #sent(senderId: string, seq: number, given: Parameters<typeof aMessageSent>[0]) {
    return aMessageSent({
      conversationId: this.id,
      senderId,
      seq,
      rev: this.rev + 1,
      sentAtUs: startUs + seq,
      ...given,
    });
  }

  #record(userId: string): MemberRecord {
    const { deliveredSeq: _, readSeq: __, ...record } = this.log.members.get(userId)!;
    return record;
  }

  #member(type: MemberChanged["type"], member: MemberRecord): MemberChanged {
    const { rev } = member;
    return { type, conversationId: this.id, rev, actorId: newId(), atUs: startUs + rev, member };
  }

  async #change(...events: readonly Event[]): Promise<void> {
    const rev = this.rev + 1;
    storeEvents(this.log, rev, events);
    await append(this.#stage, { changes: [changeOf(this.id, rev, ...events)] });
  }
}
