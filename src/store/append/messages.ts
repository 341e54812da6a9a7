import { type MessageSent, messageTypes } from "../../core/messages/message.ts";
import { hasRelations, relationsText } from "../reads/message-rows.ts";
import { bytea, encode, halves, int2, int8, rowsFrom, timestamptz, uuid } from "./column.ts";
import type { Variant } from "./variant.ts";

const plain = {
  id: uuid((event: MessageSent) => event.id),
  conversation_id: uuid((event: MessageSent) => event.conversationId),
  seq: int8((event: MessageSent) => event.seq),
  rev: int8((event: MessageSent) => event.rev),
  sender_id: uuid((event: MessageSent) => event.senderId),
  message_type: int2((event: MessageSent) => messageTypes.indexOf(event.messageType)),
  content: bytea((event: MessageSent) => event.content),
  metadata: bytea((event: MessageSent) => event.metadata),
  dedup_key: halves(keyOf),
  sent_at: timestamptz((event: MessageSent) => event.sentAtUs),
};

/** Few messages have these. The statement has them when a message of the batch does. */
const relations = {
  reply_to_seq: int8(({ replyTo }: MessageSent) => replyTo?.seq ?? null),
  relations: bytea((event: MessageSent) => (hasRelations(event) ? relationsText(event) : null)),
};

const plainAndRelations = { ...plain, ...relations };

function keyOf({ deviceTag, clientRandom }: MessageSent): { high: number; low: number } | null {
  return clientRandom === null ? null : { high: deviceTag, low: clientRandom };
}

export function messageColumns(variant: Variant): typeof plain {
  return variant.relations ? plainAndRelations : plain;
}

/** The lower half of a key: what the client chose. */
const clientRandom = "m.dedup_key & 4294967295";

/**
 * Where the sender holds the same `client_random` from before keys named devices, the message claims that key, and the index refuses it as
 * taken. This is one more index look-up for each message, for a day after an upgrade.
 */
const guardedKey = `case when exists (
      select from messages where conversation_id = m.conversation_id and sender_id = m.sender_id and dedup_key = ${clientRandom}
        and sent_at > m.sent_at - interval '24 hours') then ${clientRandom} else m.dedup_key end`;

/** Inserts new messages. The insert reads the updates that free a key, so that they run before it. */
export function messagesSql(first: number, variant: Variant): string {
  const more = Object.keys(variant.relations ? relations : {});
  const waits = "(select count(*) from released) >= 0 and (select count(*) from changed) >= 0";
  return `
stored as (
  insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, client_random,
    dedup_key, sent_at${more.map((column) => `, ${column}`).join("")})
  select m.id, m.conversation_id, m.seq, m.rev, m.rev, m.sender_id, m.message_type, m.content, m.metadata, ${clientRandom},
    ${variant.untagged ? guardedKey : "m.dedup_key"}, m.sent_at${more.map((column) => `, m.${column}`).join("")}
  from ${rowsFrom(first, "m", messageColumns(variant))}
  join heads on heads.conversation_id = m.conversation_id${variant.tables ? `\n  where ${waits}` : ""}
)`;
}

export function messageParameters(sent: readonly MessageSent[], variant: Variant): Buffer[] {
  return encode(messageColumns(variant), sent);
}
