import type { Message } from "../../core/messages/message.ts";
import type { HistoryPage, Recipient, ViewerReads } from "../../core/ports/viewer-reads.ts";
import type { ListConversations, ListMembers, MessagePart, ReadHistory } from "../../core/queries.ts";
import { historyOf } from "./history.ts";
import { byStanding, type Log, type MarkRange, memberOf, presentIn } from "./log.ts";
import type { ModelStore } from "./model-store.ts";
import { shown } from "./sight.ts";
import { listOf, summaryOf } from "./summaries.ts";

/** Reads as store/reads/viewer-reads.ts does. */
export class ModelViewerReads implements ViewerReads {
  readonly #model: ModelStore;

  constructor(model: ModelStore) {
    this.#model = model;
  }

  async listConversations(query: ListConversations): ReturnType<ViewerReads["listConversations"]> {
    return listOf(this.#model, query);
  }

  async showConversation(
    viewerId: string,
    conversationId: string,
  ): ReturnType<ViewerReads["showConversation"]> {
    const log = this.#model.logs.get(conversationId);
    const viewer = this.#model.presentMember(conversationId, viewerId);
    if (!log || !viewer) return { membership: null, summary: null };
    const { role, pending } = viewer;
    return { membership: { role, pending }, summary: summaryOf(this.#model, log, viewerId) };
  }

  async listMembers({ viewerId, conversationId }: ListMembers): ReturnType<ViewerReads["listMembers"]> {
    const viewer = this.#model.presentMember(conversationId, viewerId);
    if (!viewer) return { membership: null, members: [] };
    const apart = new Set(this.#model.apartFrom(viewerId));
    const members = this.#model.present(conversationId).sort(byStanding);
    return {
      membership: { role: viewer.role },
      members: members.map((member) => ({
        ...memberOf(member),
        lastSeenAtUs: this.#model.lastSeenUs.get(member.userId) ?? null,
        isApart: apart.has(member.userId),
      })),
    };
  }

  async showMessage(
    viewerId: string,
    messageId: string,
    part: MessagePart,
  ): ReturnType<ViewerReads["showMessage"]> {
    const found = this.#find(viewerId, messageId);
    if (!found) return null;
    const { joinedSeq, role } = found.log.members.get(viewerId)!;
    const message = shown(found.log, found.message, { joinedSeq, maxReactions: Number.POSITIVE_INFINITY });
    return { membership: { role }, message: partOf(message, part) };
  }

  async showDeliveryStatus(
    viewerId: string,
    messageId: string,
  ): ReturnType<ViewerReads["showDeliveryStatus"]> {
    const found = this.#find(viewerId, messageId);
    if (!found) return null;
    const { log, message } = found;
    const apart = new Set(this.#model.apartFrom(viewerId));
    const recipients = presentIn(log)
      .filter(({ userId, joinedSeq }) => userId !== message.senderId && joinedSeq < message.seq)
      .sort(byStanding)
      .map(({ userId }) =>
        apart.has(userId)
          ? { userId, deliveredAtUs: null, readAtUs: null }
          : recipientOf(log, userId, message.seq),
      );
    return { membership: { role: log.members.get(viewerId)!.role }, recipients };
  }

  async readHistory(query: ReadHistory): Promise<HistoryPage> {
    return historyOf(this.#model, query);
  }

  #find(viewerId: string, messageId: string): { readonly log: Log; readonly message: Message } | null {
    for (const log of this.#model.logsOf(viewerId)) {
      const message = log.messages.find(({ id }) => id === messageId);
      if (message && message.seq > log.members.get(viewerId)!.joinedSeq) return { log, message };
    }
    return null;
  }
}

function partOf(message: Message, part: MessagePart): Message {
  if (part === "all") return message;
  const { reactions, attachments } = message;
  const empty = { content: "", metadata: "{}", replyTo: null };
  return {
    ...message,
    ...empty,
    reactions: part === "reactions" ? reactions : null,
    attachments: part === "attachments" ? attachments : null,
  };
}

function recipientOf({ members, ranges }: Log, userId: string, seq: number): Recipient {
  const { deliveredSeq, readSeq } = members.get(userId)!;
  const coverOf = (kind: MarkRange["kind"]) =>
    ranges
      .filter((range) => range.userId === userId && range.kind === kind && range.fromSeq <= seq)
      .reduce<MarkRange | null>((last, range) => (last && last.fromSeq > range.fromSeq ? last : range), null);
  const readAtUs = readSeq >= seq ? (coverOf("read")?.atUs ?? null) : null;
  const delivered = deliveredSeq >= seq ? coverOf("delivered") : null;
  const deliveredAtUs = delivered && delivered.toSeq >= seq ? delivered.atUs : readAtUs;
  return { userId, deliveredAtUs, readAtUs };
}
