import { messageTypes } from "../../core/messages/message.ts";
import { type Owner, ownerOf } from "./conversation.ts";
import { inSnapshot, instant, type Page } from "./snapshot.ts";

/** What an operator may see of a message: where it is and how far it has come, never content or metadata. */
export interface MessageInspection {
  readonly id: string;
  readonly conversationId: string;
  readonly seq: number;
  /** Of its last change; `createdRev` is that at which it entered the log. */
  readonly rev: number;
  readonly createdRev: number;
  readonly senderId: string;
  readonly type: string;
  readonly contentBytes: number;
  readonly metadataBytes: number;
  /** Of the message that it answers; null: none. */
  readonly replyToSeq: number | null;
  /** Of what it refers to: media, the message that it answers. */
  readonly relationsBytes: number;
  readonly reactions: number;
  /** The sender's key to send it again; null: it had none. */
  readonly clientRandom: number | null;
  /** Whether another send with that key would be taken for this one. */
  readonly holdsKey: boolean;
  readonly sentAt: string;
  readonly edits: number;
  readonly editedAt: string | null;
  /** Null: it is none of a tombstone. */
  readonly deletedAt: string | null;
  /** Of the conversation: how far the log is by now. */
  readonly headSeq: number;
  /** To whom it was sent: members at its seq, without the sender. */
  readonly recipientCount: number;
  /** A page of them. */
  readonly delivery: readonly Delivered[];
  readonly owner: Owner;
}

export interface Delivered {
  readonly userId: string;
  /** Null: not yet. */
  readonly deliveredAt: string | null;
  readonly readAt: string | null;
  readonly isMemberNow: boolean;
}

/** Null: there is no such message. */
export function inspectMessage(url: string, id: string, page: Page): Promise<MessageInspection | null> {
  return inSnapshot(url, async (ask) => {
    const [message] = await ask<MessageRow>(messageOf, id);
    if (!message) return null;
    const { messageType, ...rest } = message;
    const at = [rest.conversationId, rest.seq];
    const [counted] = await ask<{ readonly count: number }>(recipientsOf, ...at);
    return {
      ...rest,
      type: messageTypes[messageType]!,
      recipientCount: counted!.count,
      delivery: await ask<Delivered>(deliveryOf, ...at, page.limit, page.offset),
      owner: await ownerOf(ask, rest.conversationId),
    };
  });
}

type MessageRow = Omit<MessageInspection, "type" | "recipientCount" | "delivery" | "owner"> & {
  readonly messageType: number;
};

const messageOf = `
select m.id, m.conversation_id as "conversationId", m.seq, m.rev, m.created_rev as "createdRev", m.sender_id as "senderId",
  m.message_type as "messageType", octet_length(m.content) as "contentBytes", octet_length(m.metadata) as "metadataBytes",
  m.reply_to_seq as "replyToSeq", coalesce(octet_length(m.relations), 0) as "relationsBytes",
  (select count(*) from message_reactions where conversation_id = m.conversation_id and seq = m.seq) as reactions,
  m.client_random as "clientRandom", m.dedup_key is not null as "holdsKey", ${instant("m.sent_at")} as "sentAt",
  m.edit_count as edits, ${instant("m.edited_at")} as "editedAt", ${instant("m.deleted_at")} as "deletedAt", h.seq as "headSeq"
from messages m join conversation_heads h on h.conversation_id = m.conversation_id
where m.id = $1`;

const recipientsOf =
  "select count(*) as count from message_delivery_statuses where conversation_id = $1 and seq = $2";

const deliveryOf = `
select d.user_id as "userId", ${instant("d.delivered_at")} as "deliveredAt", ${instant("d.read_at")} as "readAt",
  m.left_seq is null as "isMemberNow"
from message_delivery_statuses d
join conversation_members m on m.conversation_id = d.conversation_id and m.user_id = d.user_id
where d.conversation_id = $1 and d.seq = $2 order by d.user_id limit $3 offset $4`;
