import { members } from "../access.ts";
import type { ConversationState } from "../conversations/conversation.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Rule } from "../rule.ts";
import { attachedAt, type GivenAttachment, sizeOfAttachments } from "./attachment.ts";
import type { Message, MessageSent, MessageType, ReplyTo } from "./message.ts";
import { noSuchReplyTarget, replyToOf } from "./reply.ts";
import { keyLifetimeUs, type SendKey } from "./send-key.ts";
import { mayNotSendYet, mayNotWrite } from "./writing.ts";

export interface SendMessage {
  readonly type: "send_message";
  /** UUIDv7 minted where the command entered; becomes the message's id. */
  readonly id: string;
  readonly conversationId: string;
  /** The token's subject, never a field of the request. */
  readonly senderId: string;
  readonly messageType: MessageType;
  readonly content: string;
  /** JSON text of an object. */
  readonly metadata: string;
  /** Of the device of the token: `clientRandom` is counted for each on its own. */
  readonly deviceTag: number;
  readonly clientRandom: number | null;
  /** The message that this one answers; null: none. */
  readonly replyToId: string | null;
  /** Only of `media`, at most `maxAttachments`; null: none. */
  readonly attachments: readonly GivenAttachment[] | null;
  /** Whether the metadata names users who are mentioned. */
  readonly mentions: boolean;
}

/** The next message of the log, or the earlier one that this device of the sender already stored under the same `client_random`. */
export function decideSend(state: ConversationState, command: SendMessage, facts: Facts): Decision {
  const { nowUs } = facts;
  const key = keyOf(command);
  const earlier = key && facts.earlierSend(command.senderId, key);
  if (earlier && nowUs - earlier.sentAtUs < keyLifetimeUs) return duplicate(state, command, earlier.seq);
  const refusal = mayNotWrite(state, command, command.messageType) ?? mayNotSendYet(state, command.senderId);
  if (refusal) return refusal;
  const { senderId, replyToId } = command;
  const replyTo = replyToId === null ? null : replyToOf(state, facts, senderId, replyToId);
  if (replyToId !== null && !replyTo) return noSuchReplyTarget;
  const releasesKeyOf = key && earlier ? (facts.keyHolder(command.senderId, key)?.seq ?? null) : null;
  return { type: "decided", events: [messageSent(state, command, nowUs, releasesKeyOf, replyTo)] };
}

/** Null: a send that is never recognised again. */
export function keyOf({ deviceTag, clientRandom }: SendMessage): SendKey | null {
  return clientRandom === null ? null : { deviceTag, clientRandom };
}

/** The earlier message is the sender's own, also from before their present membership. The message that it answers they may not see any more. */
function duplicate(state: ConversationState, { senderId }: SendMessage, seq: number): Decision {
  return { type: "duplicate", seq, joinedSeq: state.members.get(senderId)!.joinedSeq };
}

/** Whether the stored message has another body than the command that repeats it. */
export function differsFrom(message: Message, command: SendMessage): boolean {
  return (
    message.content !== command.content ||
    message.metadata !== command.metadata ||
    (message.replyTo?.id ?? null) !== command.replyToId ||
    !hasAttachments(message, command.attachments ?? [])
  );
}

/** More may have been attached since. */
function hasAttachments({ attachments }: Message, given: readonly GivenAttachment[]): boolean {
  return given.every(({ mediaId }) => attachments?.some((each) => each.mediaId === mediaId));
}

function messageSent(
  state: ConversationState,
  command: SendMessage,
  nowUs: number,
  releasesKeyOf: number | null,
  replyTo: ReplyTo | null,
): MessageSent {
  const sentAtUs = Math.max(nowUs, state.lastSentAtUs + 1);
  return {
    type: "message_sent",
    conversationId: state.id,
    rev: state.rev + 1,
    createdRev: state.rev + 1,
    seq: state.seq + 1,
    id: command.id,
    senderId: command.senderId,
    messageType: command.messageType,
    content: command.content,
    metadata: command.metadata,
    clientRandom: command.clientRandom,
    sentAtUs,
    editedAtUs: null,
    deletedAtUs: null,
    replyTo,
    attachments: attachedAt(command.attachments, sentAtUs),
    reactions: null,
    deviceTag: command.deviceTag,
    releasesKeyOf,
  };
}

export function applyMessageSent(state: ConversationState, event: MessageSent): void {
  state.seq = event.seq;
  state.lastSentAtUs = event.sentAtUs;
}

const noMessages: readonly string[] = [];

export const sendRule: Rule<SendMessage> = {
  allows: members,
  needs: {
    messages: ({ replyToId }) => (replyToId === null ? noMessages : [replyToId]),
    sendKey: keyOf,
  },
  size: ({ content, metadata, attachments }) =>
    content.length + metadata.length + sizeOfAttachments(attachments),
  decide: decideSend,
};
