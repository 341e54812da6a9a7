import type { MessageSent } from "../../core/messages/message.ts";
import { messageTypes } from "../../core/messages/message.ts";
import type { MessagePlace } from "../../core/ports/actor-reads.ts";
import { hasRelations, relationsText } from "../reads/message-rows.ts";
import {
  byteaArray,
  int2Array,
  int8Array,
  int8ArrayOfHalves,
  timestamptzArray,
  uuidArray,
} from "./binary-array.ts";
import { rowsOf, widthOf } from "./part.ts";

const shape = {
  id: "uuid",
  conversation_id: "uuid",
  seq: "int8",
  rev: "int8",
  sender_id: "uuid",
  message_type: "int2",
  content: "bytea",
  metadata: "bytea",
  dedup_key: "int8",
  sent_at: "timestamptz",
} as const;

/** What few messages have: the statement has it when one of the batch does. */
const relationsShape = { reply_to_seq: "int8", relations: "bytea" } as const;
const shapeWithRelations = { ...shape, ...relationsShape } as const;

export function messagesWidth(parts: { readonly relations: boolean }): number {
  return widthOf(parts.relations ? shapeWithRelations : shape);
}

/** The lower half of a key: what the client chose. */
const clientRandom = "m.dedup_key & 4294967295";

/**
 * Where the sender holds the same `client_random` from before keys named devices, the message claims that key, and the index refuses it as
 * taken. One more look into it for each message, for a day after an upgrade.
 */
const guardedKey = `case when exists (
      select from messages where conversation_id = m.conversation_id and sender_id = m.sender_id and dedup_key = ${clientRandom}
        and sent_at > m.sent_at - interval '24 hours') then ${clientRandom} else m.dedup_key end`;

/** New messages. Whatever frees a key is read by the insert, so that it comes before it. */
export function storedCte(
  first: number,
  parts: { readonly rare: boolean; readonly relations: boolean; readonly untagged: boolean },
): string {
  const relations = Object.keys(parts.relations ? relationsShape : {});
  const waits = "(select count(*) from released) >= 0 and (select count(*) from changed) >= 0";
  return `
stored as (
  insert into messages (id, conversation_id, seq, rev, created_rev, sender_id, message_type, content, metadata, client_random,
    dedup_key, sent_at${relations.map((column) => `, ${column}`).join("")})
  select m.id, m.conversation_id, m.seq, m.rev, m.rev, m.sender_id, m.message_type, m.content, m.metadata, ${clientRandom},
    ${parts.untagged ? guardedKey : "m.dedup_key"}, m.sent_at${relations.map((column) => `, m.${column}`).join("")}
  from ${rowsOf(first, "m", parts.relations ? shapeWithRelations : shape)}
  join heads on heads.conversation_id = m.conversation_id${parts.rare ? `\n  where ${waits}` : ""}
)`;
}

export function messageColumns(sent: readonly MessageSent[]): Buffer[] {
  return [
    uuidArray(sent.map((event) => event.id)),
    uuidArray(sent.map((event) => event.conversationId)),
    int8Array(sent.map((event) => event.seq)),
    int8Array(sent.map((event) => event.rev)),
    uuidArray(sent.map((event) => event.senderId)),
    int2Array(sent.map((event) => messageTypes.indexOf(event.messageType))),
    byteaArray(sent.map((event) => event.content)),
    byteaArray(sent.map((event) => event.metadata)),
    int8ArrayOfHalves(sent.map(keyOf)),
    timestamptzArray(sent.map((event) => event.sentAtUs)),
  ];
}

function keyOf({ deviceTag, clientRandom }: MessageSent): { high: number; low: number } | null {
  return clientRandom === null ? null : { high: deviceTag, low: clientRandom };
}

export function relationColumns(sent: readonly MessageSent[]): Buffer[] {
  return [
    int8Array(sent.map(({ replyTo }) => replyTo?.seq ?? null)),
    byteaArray(sent.map((event) => (hasRelations(event) ? relationsText(event) : null))),
  ];
}

const releasedShape = { conversation_id: "uuid", seq: "int8" } as const;
export const releasedWidth = widthOf(releasedShape);

/** Older messages whose hold on a key ends. */
export function releasedCte(first: number): string {
  return `
released as (
  update messages m set dedup_key = null
  from ${rowsOf(first, "r", releasedShape)} join heads on heads.conversation_id = r.conversation_id
  where m.conversation_id = r.conversation_id and m.seq = r.seq
  returning 1
)`;
}

export function releasedColumns(released: readonly MessagePlace[]): Buffer[] {
  return [
    uuidArray(released.map((place) => place.conversationId)),
    int8Array(released.map((place) => place.seq)),
  ];
}
