import type { Attachment } from "../../core/messages/attachment.ts";
import { type MemberBefore, statusOf } from "../../core/messages/marks.ts";
import { type Message, messageTypes, type ReplyTo } from "../../core/messages/message.ts";
import { longestQuote } from "../../core/messages/quote.ts";
import { type Reactions, shownReactions } from "../../core/messages/reaction.ts";
import type { SeenMessage } from "../../core/messages/seen-message.ts";
import type { MessagePart } from "../../core/queries.ts";
import { packed, toUs, toUsOrNull, unpack } from "./rows.ts";

/** How a reader sees messages. */
interface Sight {
  /** As SQL: what is answered is shown of messages after this one. */
  readonly joinedSeq: string;
  /** The most reactions of a message; how many of each there are is counted over all. */
  readonly reactions: number | "all";
  /** As SQL: whether what clients wrote of a message is read. Default: always. */
  readonly isWhole?: string | undefined;
  readonly part?: MessagePart;
}

/** Whoever is not a viewer sees everything. */
export const everything: Sight = { joinedSeq: "0", reactions: shownReactions };

/**
 * The columns of a message `m`. What it answers and its reactions are looked up in expressions that are not evaluated for messages that have
 * none: a plain page of history pays for two comparisons a row.
 */
export function messageColumns(sight: Sight): string {
  const { isWhole, part = "all" } = sight;
  const written = (column: string, otherwise: string, of?: MessagePart) => {
    if (part !== "all" && part !== of) return otherwise;
    return isWhole ? `case when ${isWhole} then ${column} else ${otherwise} end` : column;
  };
  return `m.id, m.conversation_id, m.seq, m.rev, m.created_rev, m.sender_id, m.message_type,
  ${written("m.content", "''")} as content, ${written("m.metadata", "'{}'")} as metadata,
  m.client_random, m.sent_at, m.edited_at, m.deleted_at, ${written("m.relations", "null", "attachments")} as relations,
  ${written(replyColumn(sight), "null")} as reply, ${written(reactionsColumn(sight), "null", "reactions")} as reactions`;
}

/** The quoted message as it is now: an edit or deletion shows in its replies too. A tombstone shows nothing any more, not even of others. */
function replyColumn({ joinedSeq }: Sight): string {
  return `case when m.reply_to_seq is not null then concat_ws(',', m.reply_to_seq, (
    select concat_ws(',', sender_id, message_type, deleted_at is not null,
      case when deleted_at is null and octet_length(content) <= ${longestQuote} then encode(content, 'base64') end)
    from messages
    where m.deleted_at is null and conversation_id = m.conversation_id and seq = m.reply_to_seq and seq > ${joinedSeq}
    limit 1)) end`;
}

/** Only a message that changed can have any, and a tombstone has none. */
function reactionsColumn({ reactions }: Sight): string {
  const list = packed(["user_id", "reaction", "id", "reacted_at"], "order by place");
  const shown = reactions === "all" ? "" : ` filter (where place <= ${reactions})`;
  return `case when m.rev <> m.created_rev and m.deleted_at is null then (
    select ${list}${shown} || '|' || ${packed(["reaction", "times"], "order by place")} filter (where turn = 1)
    from (
      select user_id, ${escaped("reaction")} as reaction, id, reacted_at,
        row_number() over (order by reacted_at) as place,
        row_number() over (partition by reaction order by reacted_at) as turn,
        count(*) over (partition by reaction) as times
      from message_reactions where conversation_id = m.conversation_id and seq = m.seq) given) end`;
}

/**
 * Escapes the separators. A message has up to a thousand reactions, and nearly all of them stay as they are: hexadecimal took five times as
 * long to read.
 */
function escaped(column: string): string {
  return `replace(replace(replace(replace(${column}, '%', '%25'), ',', '%2C'), ';', '%3B'), '|', '%7C')`;
}

function unescaped(text: string): string {
  return text.includes("%") ? decodeURIComponent(text) : text;
}

/** A reaction as it is told, and what it takes to count it. */
const bytesOfReaction = 512;
/** The most reactions of a message that count. A message shows no more, but all of them are read to count each kind. */
const countedReactions = 100;

/** Of what clients wrote of a message of the table or subquery, as SQL, with its reactions. Reads nothing that is stored apart from the row. */
export function storedBytesOf(m: string): string {
  return `octet_length(${m}.content) + octet_length(${m}.metadata) + coalesce(octet_length(${m}.relations), 0)
    + case when ${m}.rev <> ${m}.created_rev and ${m}.deleted_at is null then ${bytesOfReaction} * (
      select count(*) from (
        select from message_reactions
        where conversation_id = ${m}.conversation_id and seq = ${m}.seq limit ${countedReactions}) counted) else 0 end`;
}

/** The most stored bytes of a page; it ends with the message that exceeds them. */
export const maxPageBytes = 1 << 20;

export interface MessageRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly seq: number;
  readonly rev: number;
  readonly created_rev: number;
  readonly sender_id: string;
  readonly message_type: number;
  readonly content: Buffer;
  readonly metadata: Buffer;
  readonly client_random: number | null;
  readonly sent_at: string;
  readonly edited_at: string | null;
  readonly deleted_at: string | null;
  readonly relations: Buffer | null;
  readonly reply: string | null;
  readonly reactions: string | null;
}

export function toMessage(row: MessageRow): Message {
  const relations = row.relations === null ? null : toRelations(row.relations);
  return {
    id: row.id,
    conversationId: row.conversation_id,
    seq: row.seq,
    rev: row.rev,
    createdRev: row.created_rev,
    senderId: row.sender_id,
    messageType: messageTypes[row.message_type]!,
    content: row.content.toString(),
    metadata: row.metadata.toString(),
    clientRandom: row.client_random,
    sentAtUs: toUs(row.sent_at),
    editedAtUs: toUsOrNull(row.edited_at),
    deletedAtUs: toUsOrNull(row.deleted_at),
    replyTo: row.reply === null ? null : toReplyTo(relations!.reply_to_id!, row.reply),
    attachments: relations?.attachments ?? null,
    reactions: row.reactions === null ? null : toReactions(row.reactions),
  };
}

/** How far a message has come is its sender's to know. */
export function toSeen(
  row: MessageRow,
  viewerId: string | null,
  members: readonly MemberBefore[],
): SeenMessage {
  const message = toMessage(row);
  return { message, status: message.senderId === viewerId ? statusOf(message, members) : "sent" };
}

/** Without a quote: gone, or not the viewer's to see. */
function toReplyTo(id: string, text: string): ReplyTo {
  const [seq, senderId, messageType, isDeleted, content] = text.split(",");
  const quote = senderId
    ? {
        senderId,
        messageType: messageTypes[Number(messageType)]!,
        content: content === undefined ? null : Buffer.from(content, "base64").toString(),
        isDeleted: isDeleted === "t",
      }
    : null;
  return { id, seq: Number(seq), quote };
}

/** The list, and how many of each. */
function toReactions(text: string): Reactions {
  const [list, counts] = text.split("|");
  return {
    list: unpack(list!).map(([userId, reaction, id, reactedAt]) => ({
      id: id!,
      userId: userId!,
      reaction: unescaped(reaction!),
      reactedAtUs: toUs(reactedAt!),
    })),
    counts: new Map(unpack(counts!).map(([reaction, times]) => [unescaped(reaction!), Number(times)])),
  };
}

/** The part of a row that few messages have. Its names are those of columns, for it is a column of columns. */
interface Relations {
  readonly reply_to_id?: string;
  /** Each one's metadata is a string: it is JSON text itself, and comes back character for character. */
  readonly attachments?: readonly Attachment[];
}

export function hasRelations({ replyTo, attachments }: Message): boolean {
  return replyTo !== null || attachments !== null;
}

export function relationsText({ replyTo, attachments }: Message): string {
  const relations: Relations = {
    ...(replyTo && { reply_to_id: replyTo.id }),
    ...(attachments && { attachments }),
  };
  return JSON.stringify(relations);
}

function toRelations(text: Buffer): Relations {
  return JSON.parse(text.toString());
}
